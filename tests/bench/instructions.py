#!/usr/bin/env python3
"""Guards against regressions: instructions per transition, counted by callgrind, against those in instructions.json.

    instructions.py --aslc FILE --toolchain TEXT [--update]

Counted is what asl_engine_run executes, in a compiled executable: an execution from a parsed input to an output that is
not yet printed. The same program and input execute the same instructions to within a few in a million, whatever else the
machine does, so a tolerance of 3 % means: a change, not the weather. A workload fails when it takes more than that; when
it takes less, the test says so and passes, and

    instructions.py … --update

writes the new figures down, in the commit that made the difference.

"base" are the figures of the last version that could not keep a history or a journal: a workflow that uses neither must
not take more than 1 % more. They are never updated.

Compilers differ by more than the tolerance, so figures hold for the toolchain they were counted with; with another one,
and without valgrind, nothing is compared (exit status 77).
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import workloads

FIGURES = os.path.join(HERE, 'instructions.json')
INPUTS = {'counter-loop': 'counter-loop.small', 'pass-chain': 'pass-chain', 'map-10k': 'map-10k.small', 'choice-ladder': 'choice-ladder',
          'parallel-8': 'parallel-8', 'counter-loop-jsonata': 'counter-loop-jsonata.small',
          'retry-storm': 'retry-storm', 'lambda-calls': 'lambda-calls'}


def skip(why):
    print(f'SKIPPED: {why}, so instructions were not counted')
    sys.exit(77)


def count(aslc, folder, name, data):
    """Instructions per transition."""
    program = os.path.join(folder, name)
    subprocess.run([aslc, 'build', '-o', program, f'{program}.asl.json'], check=True)
    mock = f'{program}.mock.json'
    answers = ['--clock', 'virtual', '--mock', f'{mock}#Bench'] if os.path.exists(mock) else []
    p = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', '--toggle-collect=asl_engine_run', program,
                        '--input', os.path.join(folder, f'{data}.input.json'), *answers], capture_output=True, text=True,
                       env={**os.environ, 'ASLC_THREADS': '1'})
    collected = re.search(r'Collected : (\d+)', p.stderr)
    if p.returncode or not collected or int(collected[1]) == 0:
        sys.exit(f'{name}: callgrind counted nothing (status {p.returncode}):\n{p.stderr[-2000:]}')
    with open(os.path.join(folder, f'{data}.expected.json'), encoding='utf-8') as f:
        if json.loads(p.stdout) != json.load(f):
            sys.exit(f'{name}: the output is wrong: {p.stdout[:300]}')
    with open(os.path.join(folder, f'{data}.meta.json'), encoding='utf-8') as f:
        return round(int(collected[1]) / json.load(f)['transitions'], 2)


def judge(name, now, figures):
    """Prints a line; whether it is as it should be."""
    kept, base = figures['now'].get(name), figures['base'].get(name)
    verdict, ok = 'as before', True
    if kept is None:
        verdict, ok = 'NOT IN instructions.json: --update adds it', False
    elif now > kept * (1 + figures['tolerance']):
        verdict, ok = f"MORE THAN {kept:,} by {100 * (now / kept - 1):.1f} %, tolerance {100 * figures['tolerance']:g} %", False
    elif now < kept * (1 - figures['tolerance']):
        verdict = f'less than {kept:,} by {100 * (1 - now / kept):.1f} %: --update writes it down'
    if base is not None and now > base * (1 + figures['base_tolerance']):
        verdict, ok = f'{verdict}; MORE THAN WITHOUT HISTORY AND JOURNAL, {base:,}, by {100 * (now / base - 1):.1f} %', False
    print(f'{name:22} {now:12,.2f} instructions per transition: {verdict}')
    return ok


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--aslc', required=True)
    p.add_argument('--toolchain', required=True, help='compilers and build type, such as "GNU 12, LLVM 19, Release"')
    p.add_argument('--update', action='store_true')
    args = p.parse_args()
    with open(FIGURES, encoding='utf-8') as f:
        figures = json.load(f)
    if not shutil.which('valgrind'):
        skip('there is no valgrind')
    if args.toolchain != figures['toolchain'] and not args.update:
        skip(f"the figures are of {figures['toolchain']}, not of {args.toolchain}")
    with tempfile.TemporaryDirectory(prefix='aslc-instructions-') as folder:
        workloads.write(folder)
        now = {name: count(args.aslc, folder, name, data) for name, data in INPUTS.items()}
    ok = all([judge(name, n, figures) for name, n in now.items()])
    if args.update:
        figures['toolchain'], figures['now'] = args.toolchain, now
        with open(FIGURES, 'w', encoding='utf-8') as f:
            json.dump(figures, f, indent=1)
            f.write('\n')
        print(f'{FIGURES} is updated')
    elif not ok:
        print('If the work is worth it: tests/bench/instructions.py … --update, and say in the commit why.')
    sys.exit(not (ok or args.update))


main()
