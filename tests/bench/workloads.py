#!/usr/bin/env python3
"""Writes the benchmark's workloads: definitions, inputs, expected outputs, mocks, and what is known about them.

    workloads.py FOLDER

    NAME.asl.json  NAME.input.json  NAME.expected.json  NAME.meta.json      and NAME.mock.json where tasks are called
    NAME.small.…                                                            the same on less data, for slow interpreters

Expected outputs are computed here by plain Python that mirrors what each workload is meant to do, never by an
interpreter of the language, so that everybody's answer can be judged.

meta: transitions = states entered (a Map or Parallel counts once, and every state entered in its items or branches);
tasks = calls of Task states, retries included; handler = what answers them:
    echo    gives {"i": input.i, "ok": true}
    flaky3  fails with the error Boom three times for each input.i, then gives {"i": input.i, "try": 4}
"""
import copy
import datetime
import json
import os
import sys

LAMBDA = 'arn:aws:lambda:us-east-1:123456789012:function:'


class Writer:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def json(self, name, value):
        with open(os.path.join(self.folder, name + '.json'), 'w', encoding='utf-8') as f:
            json.dump(value, f, separators=(',', ':'))
            f.write('\n')

    def workload(self, name, machine, size, small=None, handler=None, mock=None):
        """size, small: (input, expected output, transitions, calls of tasks)."""
        self.json(f'{name}.asl', machine)
        if mock:
            self.json(f'{name}.mock', {'StateMachines': {name: {'TestCases': {'Bench': {mock[0]: 'Answers'}}}},
                                       'MockedResponses': {'Answers': mock[1]}})
        for full, data in ((name, size), (name + '.small', small)):
            if data:
                value, expected, transitions, tasks = data
                self.json(f'{full}.input', value)
                self.json(f'{full}.expected', expected)
                self.json(f'{full}.meta', {'name': full, 'transitions': transitions, 'tasks': tasks, 'handler': handler})


def inline_map(states, start, items='$.items', **fields):
    return {'Type': 'Map', 'ItemsPath': items, 'MaxConcurrency': 0,
            'ItemProcessor': {'ProcessorConfig': {'Mode': 'INLINE'}, 'StartAt': start, 'States': states}, 'End': True, **fields}


def hello(w):
    w.workload('hello', {'StartAt': 'Hello', 'States': {'Hello': {'Type': 'Pass', 'Result': {'hello': 'world'}, 'End': True}}},
               ({}, {'hello': 'world'}, 1, 0))


def counter_loop(w):
    """Choice and Pass with States.MathAdd."""
    def size(limit):
        return {'n': 0, 'limit': limit}, {'n': limit, 'limit': limit}, 2 * limit + 2, 0
    w.workload('counter-loop', {'StartAt': 'Check', 'States': {
        'Check': {'Type': 'Choice', 'Choices': [{'Variable': '$.n', 'NumericLessThanPath': '$.limit', 'Next': 'Add'}], 'Default': 'Done'},
        'Add': {'Type': 'Pass', 'Parameters': {'n.$': 'States.MathAdd($.n, 1)', 'limit.$': '$.limit'}, 'Next': 'Check'},
        'Done': {'Type': 'Succeed'}}}, size(100000), size(2000))


def counter_loop_jsonata(w):
    """The same in JSONata, with variables."""
    def size(limit):
        return {'limit': limit}, {'n': limit, 'limit': limit}, 2 * limit + 3, 0
    w.workload('counter-loop-jsonata', {'QueryLanguage': 'JSONata', 'StartAt': 'Init', 'States': {
        'Init': {'Type': 'Pass', 'Assign': {'n': 0, 'limit': '{% $states.input.limit %}'}, 'Next': 'Check'},
        'Check': {'Type': 'Choice', 'Choices': [{'Condition': '{% $n < $limit %}', 'Next': 'Add'}], 'Default': 'Done'},
        'Add': {'Type': 'Pass', 'Assign': {'n': '{% $n + 1 %}'}, 'Next': 'Check'},
        'Done': {'Type': 'Pass', 'Output': {'n': '{% $n %}', 'limit': '{% $limit %}'}, 'End': True}}}, size(100000), size(2000))


def pass_chain(w):
    """50 Pass states that reshape an object of 2 KB: paths, templates, most intrinsic functions."""
    customer = {'name': 'Ada Lovelace', 'csv': 'x1,x2,x3,x4,x5,x6',
                'address': {'street': "12 St James's Square", 'city': 'London', 'zip': 'SW1Y 4LE'},
                'history': [{'year': 1830 + k, 'note': f'visit {k:02d} to the difference engine', 'score': k * 1.5} for k in range(8)]}
    order = {'id': 'A-1007', 'qty': 17, 'bonus': 3, 'customer': customer,
             'items': [{'sku': f'SKU-{k:04d}', 'price': 10 + k, 'desc': f'part number {k} of the engine'} for k in range(14)]}
    now, states = {'order': order}, {}
    for k in range(50):
        s = {'Type': 'Pass'}
        if k % 5 == 0:
            s['Parameters'] = {'id.$': '$.order.id', 'label.$': "States.Format('order-{}-{}-{}', $.order.id, $.order.customer.name, $.order.qty)"}
            s['ResultPath'] = '$.meta'
            now['meta'] = {'id': order['id'], 'label': f"order-{order['id']}-{customer['name']}-{order['qty']}"}
        elif k % 5 == 1:
            s['InputPath'] = '$.order.customer'
            s['Parameters'] = {'name.$': '$.name', 'tags.$': "States.StringSplit($.csv, ',')", 'city.$': '$.address.city'}
            s['ResultPath'] = '$.cust'
            now['cust'] = {'name': customer['name'], 'tags': customer['csv'].split(','), 'city': 'London'}
        elif k % 5 == 2:
            s['Parameters'] = {'total.$': 'States.MathAdd($.order.qty, $.order.bonus)', 'count.$': 'States.ArrayLength($.order.items)',
                               'first.$': 'States.ArrayGetItem($.order.items, 0)'}
            s['ResultPath'] = '$.calc'
            now['calc'] = {'total': 20, 'count': 14, 'first': order['items'][0]}
        elif k % 5 == 3:
            s['Parameters'] = {'both.$': 'States.JsonMerge($.meta, $.calc, false)', 'json.$': 'States.JsonToString($.cust.tags)'}
            s['ResultPath'] = '$.merged'
            now['merged'] = {'both': {**now['meta'], **now['calc']}, 'json': json.dumps(now['cust']['tags'], separators=(',', ':'))}
        else:
            kept = ['order', 'meta', 'cust', 'calc', 'merged']
            s['Parameters'] = {**{f'{name}.$': f'$.{name}' for name in kept}, 'range.$': 'States.ArrayRange(1, 9, 2)',
                               'has.$': "States.ArrayContains($.cust.tags, 'x5')", 'step': k}
            now = {**{name: now[name] for name in kept}, 'range': [1, 3, 5, 7, 9], 'has': True, 'step': k}
        s.update({'End': True} if k == 49 else {'Next': f'S{k + 1:02d}'})
        states[f'S{k:02d}'] = s
    w.workload('pass-chain', {'StartAt': 'S00', 'States': states}, ({'order': order}, now, 50, 0))


def ladder_rule(r, kinds, stamp):
    """Rule r of the Choice, and what it means."""
    low, high = r * 25, r * 25 + 25
    if r % 4 == 0: # a window of numbers and a string
        kind = kinds[r // 4 % 5]
        return ({'And': [{'Variable': '$.score', 'NumericGreaterThanEquals': low}, {'Variable': '$.score', 'NumericLessThan': high},
                         {'Variable': '$.kind', 'StringEquals': kind}]},
                lambda i: low <= i['score'] < high and i['kind'] == kind)
    if r % 4 == 1: # a pattern and a negation
        tail = f'{2 * (r // 4) % 10}.csv'
        return ({'And': [{'Variable': '$.name', 'StringMatches': f'file-*{tail}'}, {'Not': {'Variable': '$.flag', 'BooleanEquals': True}},
                         {'Variable': '$.score', 'NumericLessThan': high}]},
                lambda i: i['name'].startswith('file-') and i['name'].endswith(tail) and not i['flag'] and i['score'] < high)
    if r % 4 == 2: # a window of time; these stamps sort as text
        begin, end = stamp(hours=24 * 7 * r), stamp(hours=24 * (7 * r + 5))
        return ({'And': [{'Variable': '$.ts', 'TimestampGreaterThanEquals': begin}, {'Variable': '$.ts', 'TimestampLessThan': end}]},
                lambda i: begin <= i['ts'] < end)
    number, head = 100 * (r // 4) + 3, f'file-0{r // 4 % 4}'
    return ({'Or': [{'Variable': '$.score', 'NumericEquals': number},
                    {'And': [{'Variable': '$.kind', 'StringGreaterThan': 'delt'}, {'Variable': '$.missing', 'IsPresent': True}]},
                    {'And': [{'Variable': '$.name', 'StringMatches': f'{head}*.log'}, {'Variable': '$.score', 'NumericGreaterThan': 1000 - high}]}]},
            lambda i: i['score'] == number or i['name'].startswith(head) and i['name'].endswith('.log') and i['score'] > 1000 - high)


def choice_ladder(w):
    """A Choice of 40 rules over 1,000 items; 31 rules are tried on average."""
    def stamp(hours):
        return (datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=hours)).strftime('%Y-%m-%dT%H:%M:%SZ')
    kinds, ends = ['alpha', 'beta', 'gamma', 'delta', 'eps'], ['csv', 'json', 'log', 'tar.gz']
    items = [{'id': k, 'kind': kinds[k % 5], 'score': k * 37 % 1000, 'name': f'file-{k % 40:03d}.{ends[k % 4]}', 'ts': stamp(7 * k),
              'flag': k % 3 == 0} for k in range(1000)]
    rules = [ladder_rule(r, kinds, stamp) for r in range(40)]
    states = {'Ladder': {'Type': 'Choice', 'Choices': [{**rule, 'Next': f'R{r:02d}'} for r, (rule, _) in enumerate(rules)], 'Default': 'None'},
              'None': {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 'rule': -1}, 'End': True}}
    for r in range(40):
        states[f'R{r:02d}'] = {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 'rule': r}, 'End': True}
    out = [{'id': i['id'], 'rule': next((r for r, (_, holds) in enumerate(rules) if holds(i)), -1)} for i in items]
    w.workload('choice-ladder', {'StartAt': 'Each', 'States': {'Each': inline_map(states, 'Ladder')}}, ({'items': items}, out, 2001, 0))


def map_10k(w):
    """An inline Map over 10,000 items."""
    def size(n):
        return ({'items': [{'i': k, 'v': f'value-{k:05d}'} for k in range(n)]},
                [{'id': f'item-{k}', 'next': k + 1, 'v': f'value-{k:05d}'} for k in range(n)], n + 1, 0)
    one = {'T': {'Type': 'Pass', 'Parameters': {'id.$': "States.Format('item-{}', $.i)", 'next.$': 'States.MathAdd($.i, 1)', 'v.$': '$.v'}, 'End': True}}
    w.workload('map-10k', {'StartAt': 'Each', 'States': {'Each': inline_map(one, 'T')}}, size(10000), size(500))


def parallel_8(w):
    """8 branches of 20 Pass states each."""
    branches = []
    for b in range(8):
        states = {}
        for k in range(20):
            states[f'B{b}S{k:02d}'] = {'Type': 'Pass', 'Parameters': {'acc.$': f'States.MathAdd($.acc, {b + k})', 'b': b, 'who.$': '$.who'},
                                       **({'End': True} if k == 19 else {'Next': f'B{b}S{k + 1:02d}'})}
        branches.append({'StartAt': f'B{b}S00', 'States': states})
    machine = {'StartAt': 'Fan', 'States': {'Fan': {'Type': 'Parallel', 'Branches': branches,
                                                    'ResultSelector': {'sums.$': '$[*].acc', 'who.$': '$[7].who'}, 'End': True}}}
    sums = [100 + sum(b + k for k in range(20)) for b in range(8)]
    w.workload('parallel-8', machine, ({'acc': 100, 'who': 'fan'}, {'sums': sums, 'who': 'fan'}, 161, 0))


def big_payload(w):
    """A document of 182 KB through 20 Pass states."""
    sections = [{'title': f'Section {s}', 'tags': [f't{s % 7}', f'u{s % 11}'],
                 'rows': [{'id': s * 100 + r, 'name': f'row {r} of section {s}', 'value': (s * 31 + r * 17) % 997, 'ratio': (s * 31 + r * 17) % 997 / 8,
                           'meta': {'on': (s + r) % 2 == 0, 'path': ['a', 'b', {'c': r}]}} for r in range(40)]} for s in range(40)]
    value = {'doc': {'title': 'big', 'sections': sections}}
    now, states = copy.deepcopy(value), {}
    for k in range(20):
        s = {'Type': 'Pass'}
        if k % 4 == 0:
            s.update({'InputPath': f'$.doc.sections[{k}]', 'ResultPath': '$.work.section'})
            now.setdefault('work', {})['section'] = sections[k]
        elif k % 4 == 1:
            s.update({'InputPath': f'$.doc.sections[{k}].rows', 'Parameters': {'rows.$': '$', 'n.$': 'States.ArrayLength($)'}, 'ResultPath': '$.work.rows'})
            now['work']['rows'] = {'rows': sections[k]['rows'], 'n': 40}
        elif k % 4 == 2:
            s.update({'Parameters': {'all.$': '$', 'step': k}, 'OutputPath': '$.all'})
        else:
            s['Parameters'] = {'doc.$': '$.doc', 'work.$': '$.work', 'step': k}
            now = {'doc': now['doc'], 'work': now['work'], 'step': k}
        s.update({'End': True} if k == 19 else {'Next': f'P{k + 1:02d}'})
        states[f'P{k:02d}'] = s
    w.workload('big-payload', {'StartAt': 'P00', 'States': states}, (value, now, 20, 0))


def called_map(state):
    return {'StartAt': 'Each', 'States': {'Each': inline_map({'Call': {'Type': 'Task', 'End': True, **state}}, 'Call', MaxConcurrency=1)}}


def retry_storm(w):
    """500 tasks, each of which fails three times and then succeeds; waiting between attempts takes no time."""
    answers = {}
    for k in range(500):
        answers[f'{4 * k}-{4 * k + 2}'] = {'Throw': {'Error': 'Boom', 'Cause': 'Boom'}, 'Iteration': [k]}
        answers[f'{4 * k + 3}'] = {'Return': {'i': k, 'try': 4}, 'Iteration': [k]}
    machine = called_map({'Resource': LAMBDA + 'flaky3',
                          'Retry': [{'ErrorEquals': ['Boom'], 'IntervalSeconds': 1, 'MaxAttempts': 3, 'BackoffRate': 1.0}]})
    w.workload('retry-storm', machine, ({'items': [{'i': k} for k in range(500)]}, [{'i': k, 'try': 4} for k in range(500)], 501, 2000),
               handler='flaky3', mock=('Call', answers))


def lambda_calls(w):
    """1,000 tasks, one after the other."""
    answers = {str(k): {'Return': {'i': k, 'ok': True}, 'Iteration': [k]} for k in range(1000)}
    machine = called_map({'Resource': LAMBDA + 'echo', 'ResultSelector': {'i.$': '$.i', 'good.$': '$.ok'}})
    w.workload('lambda-calls', machine, ({'items': [{'i': k, 'body': 'x' * 64} for k in range(1000)]},
                                         [{'i': k, 'good': True} for k in range(1000)], 1001, 1000), handler='echo', mock=('Call', answers))


REPORT = {
    'grand': '$sum($totals.total)',
    'byRegion': '$totals{region: $sum(total)}',
    'big': '$count($totals[total > 900])',
    'top': '$sort($totals, function($l, $r) { $l.total < $r.total or ($l.total = $r.total and $l.id > $r.id) })[[0..2]].id',
    'skus': '$count($distinct($states.input.orders.lines.sku))',
}


def jsonata_report(w):
    """Aggregation in JSONata over 1,000 orders of 4 lines."""
    orders = [{'id': k, 'customer': f'c{k % 25:02d}', 'region': ['eu', 'us', 'ap'][k % 3],
               'lines': [{'sku': f's{(k * 7 + j) % 50}', 'qty': (k + j) % 5 + 1, 'price': (k * 13 + j * 29) % 90 + 10} for j in range(4)]}
              for k in range(1000)]
    totals = "$states.input.orders.{'id': id, 'region': region, 'total': $sum(lines.(qty * price))}"
    machine = {'QueryLanguage': 'JSONata', 'StartAt': 'Totals', 'States': {
        'Totals': {'Type': 'Pass', 'Assign': {'totals': f'{{% {totals} %}}'}, 'Next': 'Report'},
        'Report': {'Type': 'Pass', 'Output': {name: f'{{% {text} %}}' for name, text in REPORT.items()}, 'End': True}}}
    rows = [{'id': o['id'], 'region': o['region'], 'total': sum(line['qty'] * line['price'] for line in o['lines'])} for o in orders]
    regions = {}
    for r in rows:
        regions[r['region']] = regions.get(r['region'], 0) + r['total']
    expected = {'grand': sum(r['total'] for r in rows), 'byRegion': regions, 'big': sum(r['total'] > 900 for r in rows),
                'top': [r['id'] for r in sorted(rows, key=lambda r: (-r['total'], r['id']))[:3]],
                'skus': len({line['sku'] for o in orders for line in o['lines']})}
    w.workload('jsonata-report', machine, ({'orders': orders}, expected, 2, 0))


ALL = [hello, counter_loop, counter_loop_jsonata, pass_chain, choice_ladder, map_10k, parallel_8, big_payload, retry_storm, lambda_calls,
       jsonata_report]


def write(folder):
    w = Writer(folder)
    for make in ALL:
        make(w)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(sys.argv[1])
