#!/usr/bin/env python3
"""Generated workflows (differential/generate.py): what a run has recorded replays without divergence, and ends the same with
the mocks made from it; with one payload or name of the history changed it diverges there and nowhere else.

    replay_generated.py --aslc build/compiler/aslc [--count 40] [--seed 1] [--keep DIR]
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'differential'))
import generate


def run(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def changed(events, top, r):
    """One compared member of an event outside branches and iterations, with another value; and its pointer."""
    where = []
    for i, e in enumerate(events):
        for key, details in e.items():
            if not isinstance(details, dict) or i == 0 or 'State' in e['type'] and details.get('name') not in top:
                continue
            if re.match('Map|Parallel', e['type']) and 'Exited' not in e['type'] or not re.search('Entered|Exited|^Execution', e['type']):
                continue
            where += [(i, key, k) for k in details if k in ('input', 'output', 'error', 'cause', 'name', 'assignedVariables')]
    if not where:
        return None
    i, key, k = r.choice(where)
    value = events[i][key][k]
    if k == 'assignedVariables':
        value = {**value, 'another': '1'}
    elif k in ('input', 'output'):
        value = json.dumps([json.loads(value)])
    else:
        value += '!'
    out = [*events]
    out[i] = {**events[i], key: {**events[i][key], k: value}}
    return out, f'/events/{i}/{key}/{k}'


def outcome(p):
    d = json.loads(p.stdout)
    return d['status'], d.get('output'), d.get('error')


def in_folder(aslc, seed, folder):
    definition, value, mock = generate.generate(seed, draws=False)  # a history does not tell what was drawn
    machine = write(folder, 'machine.asl.json', json.dumps(definition, indent=1, ensure_ascii=False))
    given = write(folder, 'input.json', json.dumps(value, ensure_ascii=False))
    history = os.path.join(folder, 'history.json')
    options = ['--input', given, '--clock', 'virtual', '--describe', '--strict-aws']
    mocks = ['--mock', write(folder, 'mock.json', json.dumps(mock))] if mock else []
    first = run([aslc, 'interpret', machine, *options, *mocks, '--history', history])
    if not first.stdout:
        return 'run: ' + first.stderr.decode(errors='replace')
    p = run([aslc, 'replay', machine, history])
    if p.returncode != 0:
        return f'replay: exit {p.returncode}\n' + (p.stdout + p.stderr).decode(errors='replace')
    p = run([aslc, 'mocks', history, '-o', os.path.join(folder, 'recorded.json'), '--name', 'machine'])
    if p.returncode != 0:
        return 'mocks: ' + p.stderr.decode(errors='replace')
    again = run([aslc, 'interpret', machine, *options, '--mock', os.path.join(folder, 'recorded.json')])
    if not again.stdout:
        return 'mocked run: ' + again.stderr.decode(errors='replace')
    if outcome(first) != outcome(again):
        return f'mocked run: want {outcome(first)}\n got {outcome(again)}'
    with open(history, encoding='utf-8') as f:
        events = json.load(f)['events']
    r = random.Random(seed)
    for _ in range(3):
        other = changed(events, definition['States'], r)
        if not other:
            break
        p = run([aslc, 'replay', '--format', 'json', machine, write(folder, 'changed.json', json.dumps({'events': other[0]}))])
        got = (json.loads(p.stdout).get('divergence') or {}) if p.stdout else {}
        if p.returncode != 1 or not got.get('pointer', '').startswith(other[1]):
            return f'changed at {other[1]}: exit {p.returncode}\n' + (p.stdout + p.stderr).decode(errors='replace')
    return None


def one(task):
    seed, opt = task
    folder = tempfile.mkdtemp(prefix='replay-')
    try:
        why = in_folder(opt.aslc, seed, folder)
        if why and opt.keep:
            shutil.copytree(folder, os.path.join(opt.keep, str(seed)), dirs_exist_ok=True)
        return seed, why
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--aslc', required=True)
    ap.add_argument('--count', type=int, default=40)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--keep')
    ap.add_argument('-j', type=int, default=os.cpu_count())
    opt = ap.parse_args()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(opt.j) as pool:
        for seed, why in pool.map(one, [(s, opt) for s in range(opt.seed, opt.seed + opt.count)]):
            if why:
                failed += 1
                print(f'FAIL seed {seed}\n    ' + why.replace('\n', '\n    ')[:1500])
    print(f'{opt.count - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
