#!/usr/bin/env python3
"""The differential test: workflows must end the same way under every engine.

    run.py --aslc build/compiler/aslc [--count 60] [--seed 1] [--engines interpret,run-O0,run-O2,build] [--keep DIR]
           [--cases DIR] [--recorded DIR] [--lax] [--computes N]

The workflows are generated ones, with --cases the conformance cases in folders (tests/conformance), and with --recorded
recorded executions, one JSON file a case. Each workflow runs under the interpreter, which walks the unoptimised plan, and under the compiler without and with
optimisation; with --lax not held to the service's limits, which is what quiet machines are for. Status, output (its text, byte for byte), error and cause must agree. The name of a failed case holds its
seed: `--seed N --count 1` runs it again, `--keep DIR` leaves its files in DIR.
"""
import argparse
import collections
import functools
import glob
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
sys.path.insert(0, HERE)
import generate
import harness

ENGINES = {'interpret': ['interpret'], 'run-O0': ['run', '-O0'], 'run-O1': ['run', '-O1'], 'run-O2': ['run', '-O2']}


def outcome(p):
    try:
        d = json.loads(p.stdout)
    except ValueError:
        return {'exit': p.returncode, 'stderr': harness.short(p.stderr.strip(), 500)}
    return {'exit': p.returncode, **{k: d.get(k) for k in ('status', 'output', 'error', 'cause')}}


def generated(seed, computes=False):
    definition, value, mock = generate.generate(seed, computes)
    return json.dumps(definition, indent=1, ensure_ascii=False), json.dumps(value, ensure_ascii=False), mock, []


def from_folder(folder):
    def read(name, otherwise):
        path = os.path.join(folder, name)
        return open(path, encoding='utf-8').read() if os.path.exists(path) else otherwise
    mock = read('mock.json', None)
    return (read('definition.asl.json', ''), read('input.json', '{}'), json.loads(mock) if mock else None,
            ['--strict-aws'] + read('options', '').split())


def recorded(path):
    """A recorded execution (the mock file is built as its runner builds it); None for another kind of case."""
    with open(path, encoding='utf-8') as f:
        case = json.load(f)
    d = case.get('definition')
    if case.get('kind', 'execution') != 'execution' or case.get('expect', {}).get('status') == 'ABORTED':
        return None
    mock = None
    if case.get('mocks'):
        states, responses = {}, {}
        for state, answers in case['mocks'].items():
            states[state] = f'{state}Answers'
            entry = responses[f'{state}Answers'] = {}
            for i, answer in enumerate(answers):
                kept = ('Return', 'Throw', 'Hang', 'TimesOutWith', 'Submitted')
                entry[str(i)] = {k: answer[k] for k in kept if k in answer}
                if 'iteration' in answer:
                    entry[str(i)]['Iteration'] = answer['iteration']
        mock = {'StateMachines': {'definition': {'TestCases': {'case': states}}}, 'MockedResponses': responses}
    options = ['--strict-aws'] + (['--type', 'express'] if case.get('type') == 'EXPRESS' else [])
    return d if isinstance(d, str) else json.dumps(d), json.dumps(case.get('input', {})), mock, options


def check(aslc, engines, keep, statuses, recorded_only=False, lax=False):
    def work(make):
        folder = tempfile.mkdtemp(prefix='aslc-differential-')
        try:
            definition, value, mock, options = make()
            options = [o for o in options if not (lax and o == '--strict-aws')]
            paths = {}
            for name, text in (('definition.asl.json', definition), ('input.json', value), ('mock.json', json.dumps(mock))):
                paths[name] = os.path.join(folder, name)
                with open(paths[name], 'w', encoding='utf-8') as f:
                    f.write(text)
            options = options + ['--input', paths['input.json'], '--clock', 'virtual', '--seed', '7', '--describe', '--name', 'x']
            if mock:
                options += ['--mock', paths['mock.json'] + '#case']
            seen = {}
            for engine in engines:
                if engine == 'build':
                    program = os.path.join(folder, 'definition')
                    p = harness.run([aslc, 'build', paths['definition.asl.json'], '-o', program])
                    p = harness.run([program] + options) if p.returncode == 0 else p
                else:
                    p = harness.run([aslc] + ENGINES[engine] + [paths['definition.asl.json']] + options)
                seen[engine] = outcome(p)
                if 'status' not in seen[engine] and not (recorded_only and seen[engine]['exit'] == 2):
                    return f'{engine} gave no description: {harness.short(seen[engine], 800)}'
            first = seen[engines[0]]
            statuses[first.get('status', 'refused')] += 1
            for engine in engines[1:]:
                if seen[engine] != first:
                    return f'{engines[0]}: {harness.short(first, 800)}\n    {engine}: {harness.short(seen[engine], 800)}'
            return None
        finally:
            if keep:
                shutil.copytree(folder, os.path.join(keep, os.path.basename(folder)), dirs_exist_ok=True)
            shutil.rmtree(folder)
    return work


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--count', type=int, default=60)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--engines', default='interpret,run-O0,run-O2')
    parser.add_argument('--keep')
    parser.add_argument('--cases')
    parser.add_argument('--recorded')
    parser.add_argument('--computes', type=int, default=0, help='how many that wait for nothing')
    parser.add_argument('--lax', action='store_true')
    parser.add_argument('--jobs', type=int, default=harness.jobs())
    opt = parser.parse_args()
    statuses = collections.Counter()
    cases = [(f'seed {n}', functools.partial(generated, n)) for n in range(opt.seed, opt.seed + opt.count)]
    cases += [(f'computing seed {n}', functools.partial(generated, n, True)) for n in range(opt.seed, opt.seed + opt.computes)]
    if opt.cases:
        cases += [(name, functools.partial(from_folder, os.path.join(opt.cases, name))) for name in sorted(os.listdir(opt.cases))
                  if os.path.exists(os.path.join(opt.cases, name, 'definition.asl.json'))
                  and not (opt.lax and 'oversized' in name)]  # without a limit, it never ends
    if opt.recorded and not os.path.isdir(opt.recorded):
        print(f'SKIPPED: there is no {opt.recorded}, so no recorded executions were compared')
        return harness.SKIPPED
    for path in sorted(glob.glob(os.path.join(opt.recorded, '**', '*.json'), recursive=True)) if opt.recorded else []:
        case = recorded(path)
        if case:
            cases.append((os.path.relpath(path, opt.recorded), lambda case=case: case))
    work = check(os.path.abspath(opt.aslc), opt.engines.split(','), opt.keep, statuses, bool(opt.recorded), opt.lax)
    result = harness.report(cases, work, opt.jobs)
    print('outcomes: ' + ', '.join(f'{n} {s}' for s, n in statuses.most_common()))
    return result


if __name__ == '__main__':
    sys.exit(main())
