"""The history in the forms in which people have it."""
import json
import datetime

events = json.load(open('history.json'))['events']


def put(name, text):
    with open(name, 'w') as f:
        f.write(text)


def lines(arn, upto=len(events)):
    for e in events[:upto]:
        details = next((v for v in e.values() if isinstance(v, dict)), {})
        at = datetime.datetime.fromisoformat(e['timestamp']).timestamp()
        yield {'id': str(e['id']), 'type': e['type'], 'details': details, 'previous_event_id': str(e['previousEventId']),
               'event_timestamp': str(round(at * 1000)), 'execution_arn': arn, 'redrive_count': '0'}


def jsonl(items):
    return ''.join(json.dumps(i) + '\n' for i in items)


first = 'arn:aws:states:eu-central-1:111122223333:execution:orders:first'
other = 'arn:aws:states:eu-central-1:111122223333:execution:orders:other'
put('array.json', json.dumps(events))
put('reversed.json', json.dumps({'events': events[::-1]}))
put('pages.json', ''.join(json.dumps({'events': events[i:i + 10], 'nextToken': 'x'}) + '\n' for i in range(0, len(events), 10)))
put('log.jsonl', jsonl(lines(first)))
put('two.jsonl', jsonl(x for pair in zip(lines(first), lines(other, 42)) for x in pair))
put('aws-logs.json', json.dumps({'events': [{'logStreamName': 's', 'timestamp': 1, 'message': json.dumps(x)} for x in lines(first)]}))
put('seconds.json', json.dumps({'events': [{**e, 'timestamp': datetime.datetime.fromisoformat(e['timestamp']).timestamp()} for e in events]}))

put('aborted.json', json.dumps({'events': events[:20] + [
    {'type': 'ExecutionAborted', 'id': 21, 'previousEventId': 0, 'timestamp': 1710072100, 'executionAbortedEventDetails': {}}]}))
redriven = events[:6] + [
    {'type': 'TaskFailed', 'id': 7, 'previousEventId': 6, 'timestamp': events[6]['timestamp'],
     'taskFailedEventDetails': {'resourceType': 'lambda', 'resource': 'invoke', 'error': 'Boom', 'cause': 'bang'}},
    {'type': 'TaskStateExited', 'id': 8, 'previousEventId': 7, 'timestamp': events[6]['timestamp'],
     'stateExitedEventDetails': {'name': 'Charge', 'output': '{"id":"o-1","total":42,"items":["tea","cup"],"error":{"Error":"Boom","Cause":"bang"}}'}},
    {'type': 'FailStateEntered', 'id': 9, 'previousEventId': 8, 'timestamp': events[6]['timestamp'],
     'stateEnteredEventDetails': {'name': 'Review', 'input': '{"id":"o-1","total":42,"items":["tea","cup"],"error":{"Error":"Boom","Cause":"bang"}}'}},
    {'type': 'ExecutionFailed', 'id': 10, 'previousEventId': 9, 'timestamp': events[6]['timestamp'],
     'executionFailedEventDetails': {'error': 'TooMuch', 'cause': 'somebody must look at it'}}]
put('failed.json', json.dumps({'events': redriven}))
put('redriven.json', json.dumps({'events': redriven + [
    {'type': 'ExecutionRedriven', 'id': 11, 'previousEventId': 0, 'timestamp': 1710072100, 'executionRedrivenEventDetails': {'redriveCount': 1}},
    {'type': 'FailStateEntered', 'id': 12, 'previousEventId': 11, 'timestamp': 1710072100,
     'stateEnteredEventDetails': {'name': 'Review', 'input': '{}'}}]}))
not_started = [dict(e) for e in redriven]
del not_started[5]
for i, e in enumerate(not_started[5:], 6):
    e['id'], e['previousEventId'] = i, i - 1
not_started[5] = {**not_started[5], 'type': 'TaskStartFailed', 'taskStartFailedEventDetails': not_started[5]['taskFailedEventDetails']}
del not_started[5]['taskFailedEventDetails']
put('not-started.json', json.dumps({'events': not_started}))

put('gap.json', json.dumps({'events': events[:5] + events[6:]}))
put('no-data.jsonl', jsonl({**x, 'details': {k: v for k, v in x['details'].items() if k not in ('input', 'output', 'parameters')}} for x in lines(first)))
put('level-error.jsonl', jsonl(x for x in lines(first) if x['type'] == 'TaskFailed'))
put('other.json', '{"StartAt": "A"}')
put('broken.json', json.dumps({'events': events})[:500])
put('empty.json', '')
for n in range(1, len(events)):
    put(f'upto-{n}.json', json.dumps({'events': events[:n]}))
