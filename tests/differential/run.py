#!/usr/bin/env python3
"""The differential test: generated workflows must end the same way under every engine.

    run.py --aslc build/compiler/aslc [--count 60] [--seed 1] [--engines interpret,run-O0,run-O2,build] [--keep DIR]

Each workflow runs under the interpreter, which walks the unoptimised plan, and under the compiler without and with
optimisation. Status, output (its text, byte for byte), error and cause must agree. The name of a failed case holds its
seed: `--seed N --count 1` runs it again, `--keep DIR` leaves its files in DIR.
"""
import argparse
import collections
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


def check(aslc, engines, keep, statuses):
    def work(seed):
        folder = tempfile.mkdtemp(prefix='aslc-differential-')
        try:
            definition, value, mock = generate.generate(seed)
            paths = {}
            for name, what in (('definition.asl.json', definition), ('input.json', value), ('mock.json', mock)):
                paths[name] = os.path.join(folder, name)
                with open(paths[name], 'w', encoding='utf-8') as f:
                    json.dump(what, f, indent=1, ensure_ascii=False)
            options = ['--input', paths['input.json'], '--mock', paths['mock.json'] + '#case', '--clock', 'virtual',
                       '--seed', '7', '--describe']
            seen = {}
            for engine in engines:
                if engine == 'build':
                    program = os.path.join(folder, 'definition')
                    p = harness.run([aslc, 'build', paths['definition.asl.json'], '-o', program])
                    p = harness.run([program] + options) if p.returncode == 0 else p
                else:
                    p = harness.run([aslc] + ENGINES[engine] + [paths['definition.asl.json']] + options)
                seen[engine] = outcome(p)
                if 'status' not in seen[engine]:
                    return f'{engine} gave no description: {harness.short(seen[engine], 800)}'
            first = seen[engines[0]]
            statuses[first['status']] += 1
            for engine in engines[1:]:
                if seen[engine] != first:
                    return f'{engines[0]}: {harness.short(first, 800)}\n    {engine}: {harness.short(seen[engine], 800)}'
            return None
        finally:
            if keep:
                shutil.copytree(folder, os.path.join(keep, str(seed)), dirs_exist_ok=True)
            shutil.rmtree(folder)
    return work


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--count', type=int, default=60)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--engines', default='interpret,run-O0,run-O2')
    parser.add_argument('--keep')
    parser.add_argument('--jobs', type=int, default=harness.jobs())
    opt = parser.parse_args()
    statuses = collections.Counter()
    cases = [(f'seed {n}', n) for n in range(opt.seed, opt.seed + opt.count)]
    result = harness.report(cases, check(os.path.abspath(opt.aslc), opt.engines.split(','), opt.keep, statuses), opt.jobs)
    print('outcomes: ' + ', '.join(f'{n} {s}' for s, n in statuses.most_common()))
    return result


if __name__ == '__main__':
    sys.exit(main())
