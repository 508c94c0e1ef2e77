"""A made-up night job, simulated event by event: 1,000 orders, 40 at a time, and one that cannot be charged.

It stands for what people open a report for. The same every time; about 10,000 events, chained as the service chains them.
"""
import heapq
import json
import random

START = 1718100000.0


def task(function, next_state, **more):
    return dict({'Type': 'Task', 'Resource': f'arn:aws:lambda:eu-central-1:111111111111:function:{function}'},
                **more, **({'Next': next_state} if next_state else {'End': True}))


DEFINITION = {
    'Comment': 'Charges and ships what was ordered during the day.',
    'StartAt': 'FetchOrders',
    'TimeoutSeconds': 7200,
    'States': {
        'FetchOrders': task('fetch-orders', 'AnyOrders?', Retry=[{'ErrorEquals': ['States.TaskFailed'], 'MaxAttempts': 2}],
                            Catch=[{'ErrorEquals': ['States.ALL'], 'ResultPath': '$.error', 'Next': 'AlertOnCall'}]),
        'AnyOrders?': {'Type': 'Choice', 'Choices': [{'Variable': '$.count', 'NumericGreaterThan': 0, 'Next': 'Prepare'}],
                       'Default': 'NothingToDo'},
        'NothingToDo': {'Type': 'Succeed'},
        'Prepare': {
            'Type': 'Parallel',
            'Branches': [
                {'StartAt': 'LoadExchangeRates', 'States': {'LoadExchangeRates': task('rates', None)}},
                {'StartAt': 'LoadStock', 'States': {
                    'LoadStock': task('stock', 'StockIsFresh?'),
                    'StockIsFresh?': {'Type': 'Choice', 'Choices': [{'Variable': '$.ageMinutes', 'NumericLessThan': 60, 'Next': 'KeepStock'}],
                                      'Default': 'RefreshStock'},
                    'KeepStock': {'Type': 'Pass', 'End': True},
                    'RefreshStock': task('refresh-stock', None)}},
            ],
            'ResultPath': '$.prepared', 'Next': 'FulfilOrders'},
        'FulfilOrders': {
            'Type': 'Map', 'ItemsPath': '$.orders', 'MaxConcurrency': 40,
            'ItemProcessor': {'ProcessorConfig': {'Mode': 'INLINE'}, 'StartAt': 'Charge', 'States': {
                'Charge': task('charge', 'Paid?', TimeoutSeconds=30,
                               Retry=[{'ErrorEquals': ['PaymentGateway.Unavailable', 'States.Timeout'], 'IntervalSeconds': 2,
                                       'MaxAttempts': 3, 'BackoffRate': 2}],
                               Catch=[{'ErrorEquals': ['CardDeclined'], 'ResultPath': '$.declined', 'Next': 'HoldOrder'}]),
                'Paid?': {'Type': 'Choice', 'Choices': [{'Variable': '$.paid', 'BooleanEquals': True, 'Next': 'Ship'}],
                          'Default': 'HoldOrder'},
                'Ship': task('ship', None),
                'HoldOrder': {'Type': 'Pass', 'Result': 'held', 'End': True}}},
            'Catch': [{'ErrorEquals': ['Stock.Conflict'], 'Next': 'AlertOnCall'}],
            'ResultPath': '$.results', 'Next': 'WriteReport'},
        'WriteReport': task('write-report', 'Archive'),
        'Archive': {'Type': 'Pass', 'End': True},
        'AlertOnCall': {'Type': 'Task', 'Resource': 'arn:aws:states:::sns:publish',
                        'Parameters': {'TopicArn': 'arn:aws:sns:eu-central-1:111111111111:on-call', 'Message.$': '$.error'},
                        'Next': 'GiveUp'},
        'GiveUp': {'Type': 'Fail', 'Error': 'NightJob.Failed', 'Cause': 'See the alert.'},
    },
}


class Simulation:
    def __init__(self, orders=1000, seed=4711, fails=617):
        self.random = random.Random(seed)
        self.now = 0.0
        self.events = []
        self.queue = []
        self.counter = 0
        self.fails = fails
        self.orders = [{'id': f'O-{20240611000 + i}', 'customer': f'C-{self.random.randrange(40000):05d}',
                        'total': round(self.random.uniform(4, 900), 2), 'currency': self.random.choice(['EUR', 'USD', 'SEK']),
                        'lines': [{'sku': f'SKU-{self.random.randrange(9000):04d}', 'quantity': self.random.randrange(1, 5)}
                                  for _ in range(self.random.randrange(1, 4))]} for i in range(orders)]

    def emit(self, kind, previous, key=None, **details):
        number = len(self.events) + 1
        event = {'timestamp': round(START + self.now, 3), 'type': kind, 'id': number, 'previousEventId': previous}
        if key:
            for name in ('input', 'output'):
                if name in details:
                    details[name] = json.dumps(details[name], separators=(',', ':'))
                    details[name + 'Details'] = {'truncated': False}
            event[key + 'EventDetails'] = details
        self.events.append(event)
        return number

    def entered(self, kind, previous, name, data):
        return self.emit(kind + 'StateEntered', previous, 'stateEntered', name=name, input=data)

    def exited(self, kind, previous, name, data):
        return self.emit(kind + 'StateExited', previous, 'stateExited', name=name, output=data)

    def at(self, delay, step):
        self.counter += 1
        heapq.heappush(self.queue, (self.now + delay, self.counter, step))

    def resource(self, name):
        for states in (DEFINITION['States'], DEFINITION['States']['FulfilOrders']['ItemProcessor']['States'],
                       *(b['States'] for b in DEFINITION['States']['Prepare']['Branches'])):
            if name in states:
                return states[name]['Resource']

    # Each process is a generator that yields delays and returns the last event's id.
    def task(self, previous, name, data, outcomes, output):
        e = self.entered('Task', previous, name, data)
        for seconds, error in outcomes:
            e = self.emit('LambdaFunctionScheduled', e, 'lambdaFunctionScheduled', resource=self.resource(name), input=data)
            yield 0.004
            e = self.emit('LambdaFunctionStarted', e)
            yield seconds
            if error is None:
                e = self.emit('LambdaFunctionSucceeded', e, 'lambdaFunctionSucceeded', output=output)
                return self.exited('Task', e, name, output), None
            e = self.emit('LambdaFunctionFailed', e, 'lambdaFunctionFailed', **error)
            if 'wait' in error:
                del self.events[-1]['lambdaFunctionFailedEventDetails']['wait']
                yield error['wait']
        return e, error

    def choice(self, previous, name, data):
        e = self.entered('Choice', previous, name, data)
        return self.exited('Choice', e, name, data)

    def order(self, i, started, done):
        order = self.orders[i]
        e = self.emit('MapIterationStarted', started, 'mapIterationStarted', name='FulfilOrders', index=i)
        gateway = {'error': 'PaymentGateway.Unavailable', 'cause': json.dumps(
            {'errorType': 'PaymentGateway.Unavailable', 'errorMessage': '503 from https://pay.example/v2/charges: upstream connect error',
             'trace': ['charge.py:88 in post', 'charge.py:41 in handler']})}
        slow = lambda: self.random.lognormvariate(-0.4, 0.5)
        luck = self.random.random()
        outcomes, declined = [(slow(), None)], False
        if i == self.fails:
            outcomes = [(slow(), dict(gateway, wait=2)), (slow(), dict(gateway, wait=4)), (slow(), dict(gateway, wait=8)), (slow(), gateway)]
        elif luck < 0.03:
            outcomes = [(slow(), dict(gateway, wait=2)), (slow(), None)]
        elif luck < 0.04:
            outcomes = [(slow(), dict(gateway, wait=2)), (slow(), dict(gateway, wait=4)), (slow(), None)]
        elif luck < 0.05:
            declined = True
            outcomes = [(slow(), {'error': 'CardDeclined', 'cause': '{"errorType":"CardDeclined","errorMessage":"insufficient funds </script><b>"}'})]
        paid = dict(order, paid=True, receipt=f'R-{i:06d}')
        e, error = yield from self.task(e, 'Charge', order, outcomes, paid)
        if error and not declined:
            done(i, e, error)
            return
        if declined:
            held = dict(order, declined={'Error': error['error'], 'Cause': error['cause']})
            e = self.exited('Task', e, 'Charge', held)
            e = self.entered('Pass', e, 'HoldOrder', held)
            e = self.exited('Pass', e, 'HoldOrder', 'held')
        else:
            e = self.choice(e, 'Paid?', paid)
        if not declined and i % 4 == 0:
            e, _ = yield from self.task(e, 'Ship', paid, [(slow() / 2, None)], {'order': order['id'], 'parcel': f'P-{i:08d}'})
        elif not declined:
            e = self.entered('Pass', e, 'HoldOrder', paid)
            e = self.exited('Pass', e, 'HoldOrder', 'held')
        done(i, self.emit('MapIterationSucceeded', e, 'mapIterationSucceeded', name='FulfilOrders', index=i), None)

    def run(self):
        given = {'date': '2024-06-11', 'source': 's3://orders/2024-06-11.json'}
        self.emit('ExecutionStarted', 0, 'executionStarted', input=given, roleArn='arn:aws:iam::111111111111:role/night')
        box = {}

        def drive(process, after=None):
            try:
                self.at(next(process), lambda: drive(process, after))
            except StopIteration as stop:
                if after:
                    after(stop.value)

        def main():
            e, _ = yield from self.task(0, 'FetchOrders', given, [(6.2, {'error': 'Lambda.Unknown', 'cause': 'Connection reset by peer', 'wait': 1}), (7.9, None)],
                                        {'count': len(self.orders), 'orders': self.orders[:40]})
            e = self.choice(e, 'AnyOrders?', {'count': len(self.orders)})
            e = self.entered('Parallel', e, 'Prepare', {'count': len(self.orders)})
            s = self.emit('ParallelStateStarted', e)
            left = [2]

            def rates():
                return (yield from self.task(s, 'LoadExchangeRates', {}, [(1.4, None)], {'EUR': 1, 'USD': 1.07, 'SEK': 11.2}))

            def stock():
                e, _ = yield from self.task(s, 'LoadStock', {}, [(2.2, None)], {'ageMinutes': 12})
                e = self.choice(e, 'StockIsFresh?', {'ageMinutes': 12})
                e = self.entered('Pass', e, 'KeepStock', {'ageMinutes': 12})
                return self.exited('Pass', e, 'KeepStock', {'ageMinutes': 12}), None

            def one(result):
                left[0] -= 1
                box['last'] = result[0]
            drive(rates(), one)
            drive(stock(), one)
            while left[0]:
                yield 0.05
            self.emit('ParallelStateSucceeded', box['last'])
            e = self.exited('Parallel', box['last'], 'Prepare', {'count': len(self.orders)})
            e = self.entered('Map', e, 'FulfilOrders', {'count': len(self.orders)})
            started = self.emit('MapStateStarted', e, 'mapStateStarted', length=len(self.orders))
            waiting, running = list(range(len(self.orders))), {}

            def done(i, e, error):
                running.pop(i, None)
                if error:
                    box['failed'] = (i, e, error, sorted(running))
                    return
                box['last'] = e
                if waiting and 'failed' not in box:
                    start()

            def start():
                i = waiting.pop(0)
                running[i] = True
                drive(self.order(i, started, done))
            for _ in range(40):
                if waiting:
                    start()
            while (waiting or running) and 'failed' not in box:
                yield 0.1
            if 'failed' in box:
                return
            self.emit('MapStateSucceeded', box['last'])
            e = self.exited('Map', box['last'], 'FulfilOrders', {'count': len(self.orders)})
            e, _ = yield from self.task(e, 'WriteReport', {}, [(3, None)], {'ok': True})
            e = self.entered('Pass', e, 'Archive', {'ok': True})
            e = self.exited('Pass', e, 'Archive', {'ok': True})
            self.emit('ExecutionSucceeded', e, 'executionSucceeded', output={'ok': True})

        drive(main())
        while self.queue and 'failed' not in box:
            self.now, _, step = heapq.heappop(self.queue)
            step()
        if 'failed' in box:
            i, e, error, running = box['failed']
            names = {}
            for event in self.events:
                if event['type'] == 'MapIterationStarted':
                    names[event['mapIterationStartedEventDetails']['index']] = event['id']
            self.emit('MapIterationFailed', e, 'mapIterationFailed', name='FulfilOrders', index=i)
            self.emit('TaskStateAborted', e)
            for other in running:
                self.emit('MapIterationAborted', e, 'mapIterationAborted', name='FulfilOrders', index=other)
                self.emit('TaskStateAborted', e)
            e = self.emit('MapStateFailed', e)
            self.emit('ExecutionFailed', e, 'executionFailed', **{k: error[k] for k in ('error', 'cause')})
        failed = 'failed' in box
        description = {'executionArn': 'arn:aws:states:eu-central-1:111111111111:execution:NightlyOrders:2024-06-11',
                       'stateMachineArn': 'arn:aws:states:eu-central-1:111111111111:stateMachine:NightlyOrders',
                       'name': '2024-06-11', 'status': 'FAILED' if failed else 'SUCCEEDED', 'startDate': START,
                       'stopDate': round(START + self.now, 3), 'input': json.dumps(given), 'inputDetails': {'included': True}}
        if failed:
            description.update(error=error['error'], cause=error['cause'])
        else:
            description['output'] = '{"ok":true}'
        return DEFINITION, description, {'events': self.events}


def night_job(**options):
    return Simulation(**options).run()


if __name__ == '__main__':
    import sys
    definition, description, history = night_job()
    for name, value in (('definition', definition), ('description', description), ('history', history)):
        with open(f'{sys.argv[1]}/{name}.json', 'w') as f:
            json.dump(value, f, indent=2 if name == 'definition' else None)
    print(len(history['events']), 'events')
