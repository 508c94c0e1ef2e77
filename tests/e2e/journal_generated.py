#!/usr/bin/env python3
"""Generated workflows whose tasks fail by chance are redriven, and killed, until they succeed.

    journal_generated.py --aslc build/compiler/aslc [--count 8] [--seed 1] [--keep FOLDER]

Tasks, Parallels, Maps and retriers nest three deep. What comes out, and what each state, branch and item was given and gave,
must be what an undisturbed run has: all of it once, and in what a retrier repeats at least once. --keep keeps the last one.
"""
import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

TASK = '''#!/bin/sh
# Gives back what it is given; where there is a file "flaky", one of four calls fails.
read -r input
if [ -e flaky ] && [ $(($(od -An -N2 -tu2 /dev/urandom) % 4)) = 0 ]; then
    echo '{"Error": "Flaky"}' >&2
    exit 1
fi
printf '%s\\n' "$input"
'''
MOST_ROUNDS = 25 # then tasks stop failing


def machine(r, depth, names):
    """Every state takes an array and gives it on."""
    states = []
    for _ in range(r.randint(1, 3)):
        names.append(f's{len(names) + 1}')
        name, kind = names[-1], r.random()
        if depth == 0 or kind < .45:
            state = {'Type': 'Task', 'Resource': 'arn:aws:lambda:us-east-1:123456789012:function:f'}
        elif kind < .55:
            state = {'Type': 'Pass'}
        elif kind < .6:
            state = {'Type': 'Wait', 'Seconds': 1}
        elif kind < .8:
            state = {'Type': 'Parallel', 'ResultSelector': {'x.$': '$[0]'}, 'OutputPath': '$.x',
                     'Branches': [machine(r, depth - 1, names) for _ in range(r.randint(1, 3))]}
        else:
            state = {'Type': 'Map', 'ItemsPath': '$', 'ItemProcessor': machine(r, depth - 1, names)}
            if r.random() < .5:
                state['MaxConcurrency'] = r.randint(1, 2)
        if state['Type'] in ('Task', 'Parallel', 'Map') and r.random() < .25:
            state['Retry'] = [{'ErrorEquals': ['States.ALL'], 'IntervalSeconds': 1, 'MaxAttempts': 1}]
        states.append((name, state))
    for i, (name, state) in enumerate(states):
        state.update({'Next': states[i + 1][0]} if i + 1 < len(states) else {'End': True})
    return {'StartAt': states[0][0], 'States': dict(states)}


def nested(r, depth):
    return [nested(r, depth - 1) for _ in range(r.randint(1, 3))] if depth else [r.randint(0, 10 ** 6)]


def told(events):
    """What was entered, left and done, however often."""
    counts = collections.Counter()
    for e in events:
        details = next((v for k, v in e.items() if k.endswith('EventDetails')), {})
        if e['type'].endswith(('StateEntered', 'StateExited')):
            value = details.get('output', details.get('input'))
            counts[e['type'], details['name'], json.dumps(json.loads(value))] += 1
        elif e['type'] in ('MapIterationSucceeded', 'MapStateSucceeded', 'ParallelStateSucceeded', 'ExecutionSucceeded'):
            counts[e['type'], details.get('name'), details.get('index')] += 1
    return counts


def check(aslc, seed, folder):
    r = random.Random(seed)
    definition = machine(r, 3, [])
    path = lambda name: os.path.join(folder, name)
    for name, text in (('task', TASK), ('w.asl.json', json.dumps(definition)), ('in.json', json.dumps(nested(r, 6)))):
        with open(path(name), 'w', encoding='utf-8') as f:
            f.write(text)
    os.chmod(path('task'), 0o755)
    command = lambda *words: [aslc, 'interpret', 'w.asl.json', *words, '--bind', '*=exec:./task', '--clock', 'virtual', '--store', 'sqlite:j.db']
    run = lambda *words: harness.run(command(*words), cwd=folder, timeout=120)
    history = lambda name: json.loads(run('history', name).stdout)['events']

    undisturbed = run('--name', 'undisturbed', '--input', 'in.json')
    if undisturbed.returncode:
        return f'seed {seed}: undisturbed: {harness.short(undisturbed.stderr)}'
    with open(path('flaky'), 'w', encoding='utf-8'):
        pass
    p, rounds = run('--name', 'n', '--input', 'in.json'), 0
    while p.returncode:
        if p.returncode != 1 or 'FAILED Flaky' not in p.stderr:
            return f'seed {seed}, round {rounds}: exit status {p.returncode}: {harness.short(p.stderr)}'
        rounds += 1
        if rounds == MOST_ROUNDS:
            os.remove(path('flaky'))
        if r.random() < .5: # killed somewhere, perhaps before it has begun: then the failure is told again
            q = subprocess.Popen(command('redrive', 'n'), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(r.random() * .15)
            q.send_signal(signal.SIGKILL)
            q.wait()
            p = run('run', '--name', 'n')
        else:
            p = run('redrive', 'n')
    if p.stdout != undisturbed.stdout:
        return f'seed {seed}, round {rounds}: output {harness.short(p.stdout)}, want {harness.short(undisturbed.stdout)}'
    events = history('n')
    for i, e in enumerate(events):
        if e['id'] != i + 1 or not e['previousEventId'] < e['id']:
            return f'seed {seed}: event {i + 1} is {harness.short(e)}'
    want, got = told(history('undisturbed')), told(events)
    repeats = 'Retry' in json.dumps(definition)
    for key in want.keys() | got.keys():
        if got[key] < want[key] or (got[key] > want[key] and not repeats):
            return f'seed {seed}, round {rounds}: {harness.short(list(key))}: {got[key]} times, not {want[key]}'
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--count', type=int, default=8)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--keep')
    options = parser.parse_args()
    aslc = os.path.abspath(options.aslc)

    def work(seed):
        folder = tempfile.mkdtemp(prefix='aslc-journal-')
        try:
            return check(aslc, seed, folder)
        finally:
            if options.keep:
                shutil.rmtree(options.keep, ignore_errors=True)
                shutil.copytree(folder, options.keep)
            shutil.rmtree(folder, ignore_errors=True)
    return harness.report([(f'seed-{s}', s) for s in range(options.seed, options.seed + options.count)], work, 1 if options.keep else 2)


if __name__ == '__main__':
    sys.exit(main())
