import ctypes
import threading

text = ctypes.POINTER(ctypes.c_char)
order = ctypes.CDLL('./liborder.so')
order.order_execute_with.argtypes = [ctypes.c_char_p, ctypes.c_char_p] + 3 * [ctypes.POINTER(text)]
order.order_free.argtypes = [text]
order.order_start.restype = ctypes.c_void_p
order.order_start.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(text)]
order.order_step.argtypes = [ctypes.c_void_p]
order.order_output.argtypes = [ctypes.c_void_p]
order.order_output.restype = ctypes.c_char_p
order.order_close.argtypes = [ctypes.c_void_p]
OPTIONS = b'{"bind": {"arn:*:charge": "return:{\\"ok\\": true}"}, "clock": "virtual"}'


def execute(payload):
    output = text()
    status = order.order_execute_with(payload, OPTIONS, output, None, None)
    result = ctypes.string_at(output).decode()
    order.order_free(output)
    return status, result


print(*execute(b'{"id": 1}'))

# Many threads, each with executions of its own.
wrong = []


def many(n):
    for i in range(50):
        want = (0, '{"id":%d,"charge":{"ok":true}}' % (100 * n + i))
        if execute(b'{"id": %d}' % (100 * n + i)) != want:
            wrong.append((n, i))


threads = [threading.Thread(target=many, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print('wrong', wrong)

run = order.order_start(b'{"id": 2}', OPTIONS, None)
while order.order_step(run) == -1:
    pass
print(order.order_output(run).decode())
order.order_close(run)

message = text()
print(order.order_start(b'{}', b'{"seed": "x"}', message), ctypes.string_at(message).decode())
order.order_free(message)
