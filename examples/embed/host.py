"""The same from Python, with ctypes only: four threads price a hundred orders each, every execution on its own loop."""
import concurrent.futures
import ctypes
import json
import os

quote = ctypes.CDLL(os.path.abspath("libquote.so"))
Text = ctypes.POINTER(ctypes.c_char)  # c_char_p would be copied and its pointer lost
quote.quote_execute.argtypes = [ctypes.c_char_p] + [ctypes.POINTER(Text)] * 3
quote.quote_free.argtypes = [Text]
quote.quote_free.restype = None


def price(order):
    output, error, cause = Text(), Text(), Text()
    status = quote.quote_execute(json.dumps(order).encode(), output, error, cause)
    texts = [ctypes.string_at(t).decode() if t else None for t in (output, error, cause)]
    for t in (output, error, cause):
        quote.quote_free(t)
    if status != 0:
        raise ValueError(f"{texts[1]}: {texts[2]}")
    return json.loads(texts[0])


order = {"items": [{"sku": "notebook", "quantity": 3}, {"sku": "lamp", "quantity": 1}]}
print(json.dumps(price(order)))
try:
    price({"items": [{"sku": "sofa", "quantity": 1}]})
except ValueError as e:
    print(e)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    totals = pool.map(lambda n: price({"items": [{"sku": "pencil", "quantity": n}]})["total"], range(400))
    print("sum of 400 orders:", sum(totals))
