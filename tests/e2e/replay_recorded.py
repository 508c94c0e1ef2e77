#!/usr/bin/env python3
"""Replays every recorded history that belongs to a definition: none may diverge.

    replay_recorded.py --aslc build/compiler/aslc --cases ../shared/conformance/asl [--match TEXT] [--show] [--floor PERCENT]

A case holds the definition, what the real service recorded, and JSON pointers to what the recorder has masked, which
becomes --ignore. For each the history is replayed, and turned into a mock file whose run must end like the recorded one.
Exit status 77 when the cases are not at hand.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

TEXTS = ('input', 'output', 'cause', 'parameters')  # the API gives them as JSON text; the cases hold some of them parsed


def as_text(v):
    return v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, separators=(',', ':'))


def api_event(event):
    out = {}
    for key, value in event.items():
        if isinstance(value, dict):
            value = {k: as_text(v) if k in TEXTS else v for k, v in value.items()}
            if 'assignedVariables' in value:
                value['assignedVariables'] = {k: as_text(v) for k, v in value['assignedVariables'].items()}
        out[key] = value
    return out


def log_line(event):
    details = {k: as_text(v) if k in TEXTS else v for k, v in event.get('details', {}).items()}
    return {**event, 'details': details}


# Why these cannot replay without divergence: what was recorded is not what the definition does under today's rules, or a
# service had a hand in it that is none of the workflow's.
KNOWN = {
    'retry/lambda_invoke_with_retry_extended_input': 'recorded before the Context object had Execution.RedriveCount',
    'service-apigateway/invoke_with_headers[singleStringHeader]': 'the API Gateway integration checks the type of Headers',
    'service-ecs/run_task_sync_raise_failure': 'the ECS integration adds StartedBy to its request',
}


def branch_states(definition):
    """The states inside Parallel states, each branch in the order in which it runs."""
    for state in definition.get('States', {}).values():
        for branch in state.get('Branches', []):
            name = branch['StartAt']
            while name:
                yield id(branch), name
                name = branch['States'][name].get('Next')
            yield from branch_states(branch)


STEPS = ['Entered', 'Scheduled', 'Started', 'Submitted', 'Succeeded', 'Failed', 'TimedOut', 'Exited', 'Aborted']


def step(event):
    return next(i for i, s in enumerate(STEPS) if event['type'].endswith(s))


def rebuilt(case):
    """The recorder has sorted what happened inside a Parallel, and dropped its end. Puts it in order again; None: cannot."""
    out, block = [], []

    def place_block(upto):
        order = list(branch_states(case['definition']))
        named = {}
        tasks = [e for e in block if 'stateEnteredEventDetails' in e and e['type'].startswith('Task')]
        for e in block:
            d = e.get('stateEnteredEventDetails') or e.get('stateExitedEventDetails') or (tasks[0]['stateEnteredEventDetails'] if len(tasks) == 1 else {})
            named.setdefault(d.get('name'), []).append(e)
        started, last, branch = out[-1]['id'], None, None
        for key, name in order:
            previous = started if key != branch else last
            branch = key
            for e in sorted(named.pop(name, []), key=step):
                out.append({**e, 'id': out[-1]['id'] + 1, 'previousEventId': previous})
                last = previous = out[-1]['id']
        failed = any(e['type'].endswith('Failed') for e in block)
        block.clear()
        if named or upto['id'] - out[-1]['id'] not in (1, 2):
            return False
        if upto['id'] - out[-1]['id'] == 2:
            kind = 'ParallelStateFailed' if failed else 'ParallelStateSucceeded'
            out.append({'type': kind, 'id': out[-1]['id'] + 1, 'previousEventId': out[-1]['id']})
        return True

    for e in case['expect']['history']:
        if not isinstance(e['id'], int):
            block.append(e)
            continue
        if block and not place_block(e):
            return None
        out.append(e)
    return out


def in_order(case):
    """The events; None when there are none, or some that cannot be put in order."""
    events = case['expect'].get('history')
    if events and not all(isinstance(e['id'], int) for e in events):
        return rebuilt(case)
    return events


def run(argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **kw)


def write(path, text):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


MASK = re.compile(r'<[\w-]+(:\d+|_\d+idx)>|<[a-z]+(-[a-z]+)+>|date|time|timestamp|start-time|entered-time|RandomNumberGenerated')


def masked(value, given, at=''):
    """JSON pointers to texts that the recorder has put in the place of others: those that nothing in the case can have given."""
    if isinstance(value, str):
        parsed = None
        if value[:1] in ('{', '[', '"'):
            try:
                parsed = json.loads(value)
            except ValueError:
                pass
        if parsed is not None:
            yield from masked(parsed, given, at)
        elif MASK.fullmatch(value) or re.search(r'<[\w-]+(:\d+|_\d+idx)>', value):
            if json.dumps(value)[1:-1] not in given:
                yield at
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from masked(v, given, at + '/' + k.replace('~', '~0').replace('/', '~1'))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from masked(v, given, f'{at}/{i}')


def values(text):
    """JSON texts inside a value as values."""
    if isinstance(text, str) and text[:1] in ('{', '['):
        try:
            return values(json.loads(text))
        except ValueError:
            return text
    if isinstance(text, dict):
        return {k: values(v) for k, v in text.items()}
    return [values(v) for v in text] if isinstance(text, list) else text


def outcome(status, error, output):
    return (status, error or None, values(output) if status == 'SUCCEEDED' else None)


def one(task):
    case, opt = task
    want = case['expect']
    with tempfile.TemporaryDirectory(prefix='replay-') as folder:
        text = case['definition'] if case.get('definitionIsText') else json.dumps(case['definition'], indent=2)
        definition = write(os.path.join(folder, 'machine.asl.json'), text)
        logging = case.get('logging') or {}
        whole_log = logging.get('level') == 'ALL' and logging.get('includeExecutionData')
        events = in_order(case)
        if events:
            history = write(os.path.join(folder, 'history.json'), json.dumps({'events': [api_event(e) for e in events]}))
            at = '/history/'
        elif want.get('logEvents') and whole_log:
            history = write(os.path.join(folder, 'log.jsonl'), ''.join(json.dumps(log_line(e)) + '\n' for e in want['logEvents']))
            at = '/logEvents/'
        else:
            return case, 'skip', 'the recorder has dropped events' if want.get('history') else 'no history'
        ignored = ['/events/' + w[len(at):] for w in case.get('wildcards') or [] if w.startswith(at)]
        given = json.dumps([case.get('input'), case['definition']])
        for i, e in enumerate(events or want['logEvents']):
            details = {k: v for k, v in e.items() if isinstance(v, dict)}
            if re.search('(Submitted|Succeeded|Failed)$', e['type']) and not re.match('Execution|Map|Parallel|Eval', e['type']):
                given += json.dumps([details, *details.values()])  # what a service has answered is data from here on
            ignored += [f'/events/{i}{at}' for at in masked(details, given)]
        args = [a for w in ignored for a in ('--ignore', w)]
        p = run([opt.aslc, 'replay', definition, history, *args])
        said = (p.stdout + p.stderr).decode(errors='replace').strip()
        if p.returncode != 0:
            if case['name'] in KNOWN:
                return case, 'known', KNOWN[case['name']]
            return case, 'fail' if p.returncode == 1 else 'later' if 'error[ASL0901]' in said else 'broken', said
        if case['name'] in KNOWN:
            return case, 'fail', 'it replays now: it is none of the KNOWN any more'
        if opt.mocks and events and not case.get('s3') and not any(e['type'].startswith('MapRun') for e in events):
            d = as_mocked(case, opt, definition, history, folder)
            if d:
                return case, 'mock', d
        return case, 'pass', said


def as_mocked(case, opt, definition, history, folder):
    """What differs between the recorded end and that of a run with the mocks made from the history; None: nothing."""
    want = case['expect']
    if want.get('status') == 'ABORTED':
        return None
    mock = os.path.join(folder, 'mock.json')
    p = run([opt.aslc, 'mocks', history, '-o', mock])
    if p.returncode != 0:
        return p.stderr.decode(errors='replace')
    given = write(os.path.join(folder, 'input.json'), json.dumps(case.get('input', {})))
    p = run([opt.aslc, 'interpret', definition, '--input', given, '--mock', mock + '#recorded', '--clock', 'virtual', '--strict-aws', '--describe'])
    try:
        got = json.loads(p.stdout)
    except ValueError:
        return 'mocked run: ' + p.stderr.decode(errors='replace')
    output = json.loads(got['output']) if got.get('output') else None
    wild = [w for w in case.get('wildcards') or [] if w.startswith('/output') or w in ('/error', '/cause')]
    a, b = outcome(want['status'], want.get('error'), want.get('output')), outcome(got['status'], got.get('error'), output)
    if wild:
        a, b = a[:2], b[:2]
    return None if a == b else f'mocked run: want {a}, got {b}'


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--aslc', required=True)
    ap.add_argument('--cases', required=True)
    ap.add_argument('--match', default='')
    ap.add_argument('--show', action='store_true')
    ap.add_argument('--no-mocks', dest='mocks', action='store_false')
    ap.add_argument('--floor', type=float, default=100)
    ap.add_argument('-j', type=int, default=os.cpu_count())
    opt = ap.parse_args()
    if not os.path.isdir(opt.cases):
        print(f'SKIPPED: there are no recorded executions at {opt.cases}, so none was replayed')
        return 77
    cases = []
    for path in sorted(glob.glob(os.path.join(opt.cases, '*', '*.json'))):
        with open(path, encoding='utf-8') as f:
            case = json.load(f)
        if case.get('kind', 'execution') == 'execution' and opt.match in case['name']:
            if case['expect'].get('history') or case['expect'].get('logEvents'):
                cases.append(case)
    count = dict.fromkeys(('pass', 'fail', 'mock', 'broken', 'known', 'later', 'skip'), 0)
    with concurrent.futures.ThreadPoolExecutor(opt.j) as pool:
        for case, how, said in pool.map(one, [(c, opt) for c in cases]):
            count[how] += 1
            if how in ('fail', 'mock', 'broken') or (opt.show and how != 'pass'):
                print(f'{how.upper()} {case["name"]}\n    ' + said.replace('\n', '\n    '))
    tried = sum(count[k] for k in ('pass', 'fail', 'mock', 'broken'))
    share = 100 * count['pass'] / tried if tried else 100
    print(f"{count['pass']} of {tried} recorded histories replay without divergence ({share:.1f} %): {count['fail']} diverge, "
          f"{count['mock']} end otherwise when mocked, {count['broken']} cannot be run. Beside them {count['known']} are known to "
          f"differ, {count['later']} use what a later version compiles, {count['skip']} are not whole")
    return 0 if share >= opt.floor else 1


if __name__ == '__main__':
    sys.exit(main())
