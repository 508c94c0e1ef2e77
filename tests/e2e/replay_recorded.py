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


def in_order(case):
    """The events, or None when the recorder has sorted them and taken their ids away."""
    events = case['expect'].get('history')
    return events if events and all(isinstance(e['id'], int) for e in events) else None


def run(argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **kw)


def write(path, text):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def outcome(status, error, output):
    return (status, error or None, output if status == 'SUCCEEDED' else None)


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
            return case, 'skip', 'its events are sorted and have no ids' if want.get('history') else 'no history'
        ignored = ['/events/' + w[len(at):] for w in case.get('wildcards') or [] if w.startswith(at)]
        args = [a for w in ignored for a in ('--ignore', w)]
        p = run([opt.aslc, 'replay', definition, history, *args])
        said = (p.stdout + p.stderr).decode(errors='replace').strip()
        if p.returncode != 0:
            return case, 'fail' if p.returncode == 1 else 'broken', said
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
    count = {'pass': 0, 'fail': 0, 'mock': 0, 'broken': 0, 'skip': 0}
    with concurrent.futures.ThreadPoolExecutor(opt.j) as pool:
        for case, how, said in pool.map(one, [(c, opt) for c in cases]):
            count[how] += 1
            if how != 'pass' and (opt.show or how != 'skip'):
                print(f'{how.upper()} {case["name"]}\n    ' + said.replace('\n', '\n    '))
    tried = sum(count.values()) - count['skip']
    share = 100 * count['pass'] / tried if tried else 0
    print(f"{count['pass']} of {tried} recorded histories replay without divergence ({share:.1f} %); {count['fail']} diverge, "
          f"{count['mock']} end otherwise when mocked, {count['broken']} do not compile, {count['skip']} cannot be replayed")
    return 0 if share >= opt.floor else 1


if __name__ == '__main__':
    sys.exit(main())
