#!/usr/bin/env python3
"""Which variables each state reads: `aslc check --references` against what the service says of recorded definitions.

    static.py --aslc build/compiler/aslc --cases FOLDER [--match TEXT] [-v]

FOLDER holds cases as *.json, at any depth; those of kind "static" have a definition and, in expect.variableReferences,
the names by state. It is no part of the project; without it the test is skipped.
"""
import argparse
import glob
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness


def load(folder):
    for path in sorted(glob.glob(os.path.join(folder, '**', '*.json'), recursive=True)):
        with open(path, encoding='utf-8') as f:
            case = json.load(f)
        if isinstance(case, dict) and case.get('kind') == 'static':
            yield os.path.splitext(os.path.basename(path))[0], case


def check(aslc):
    def work(case):
        with tempfile.TemporaryDirectory(prefix='aslc-test-') as scratch:
            path = os.path.join(scratch, 'definition.asl.json')
            with open(path, 'w', encoding='utf-8') as f:
                json.dump(case['definition'], f)
            p = harness.run([aslc, 'check', '--references', path])
        if p.returncode != 0:
            return f'exit {p.returncode}: {harness.short((p.stdout + p.stderr).strip(), 500)}'
        got = json.loads(p.stdout)['variableReferences']
        return harness.differs(case['expect']['variableReferences'], got, '')
    return work


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--cases', required=True)
    parser.add_argument('--match', default='')
    parser.add_argument('--jobs', type=int, default=harness.jobs())
    parser.add_argument('-v', '--verbose', action='store_true')
    opt = parser.parse_args()
    if not os.path.isdir(opt.cases):
        print(f'SKIPPED: there is no {opt.cases}, so no recorded references were compared')
        return harness.SKIPPED
    cases = [(name, case) for name, case in load(opt.cases) if opt.match in name]
    return harness.report(cases, check(os.path.abspath(opt.aslc)), opt.jobs, opt.verbose)


if __name__ == '__main__':
    sys.exit(main())
