#!/usr/bin/env python3
"""Runs the conformance cases in this folder: what the language says, one folder a case, named by the clause.

    run.py --aslc build/compiler/aslc [--engine build,run,interpret] [--match TEXT] [-v]

A case is a folder with

    definition.asl.json   the machine
    input.json            the execution's input (absent: {})
    mock.json             a MockConfigFile; the machine is called "definition", its test case "case"
    options               further run options, one a line (absent: none)
    expected.json         {"status", "output" | "error", "cause"}: "error" and "cause" are absent when the service gives
                          none; "causeAny": true where nobody has recorded the cause's words; "outputText" instead
                          of "output" where the text itself counts; "note": why, and which clause

Each case runs under every engine with --describe --clock virtual --strict-aws; status, output, error and cause must be
the expected ones, and the text of the output must be the same under all engines, byte for byte.
"""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

OUTCOME = ('status', 'output', 'error', 'cause')


def load(folder):
    def read(name, otherwise):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            return otherwise
        with open(path, encoding='utf-8') as f:
            return f.read()
    return {'folder': folder, 'expected': json.loads(read('expected.json', 'null')),
            'options': read('options', '').split('\n')[:-1] if read('options', '') else []}


def execute(aslc, engine, case, timeout):
    """The described outcome of one case under one engine, or a text that says what went wrong."""
    definition = os.path.join(case['folder'], 'definition.asl.json')
    options = ['--describe', '--clock', 'virtual', '--strict-aws', '--input', '{}'] + case['options']
    if os.path.exists(os.path.join(case['folder'], 'input.json')):
        options[options.index('{}')] = os.path.join(case['folder'], 'input.json')
    if os.path.exists(os.path.join(case['folder'], 'mock.json')):
        options += ['--mock', os.path.join(case['folder'], 'mock.json') + '#case']
    with tempfile.TemporaryDirectory(prefix='aslc-test-') as scratch:
        if engine == 'build':
            program = os.path.join(scratch, 'definition')
            p = harness.run([aslc, 'build', definition, '-o', program], timeout)
            if p.returncode != 0:
                return f'aslc build: exit {p.returncode}: {harness.short(p.stderr.strip())}'
            p = harness.run([program] + options, timeout)
        else:
            p = harness.run([aslc, engine, definition] + options, timeout)
    try:
        description = json.loads(p.stdout)
    except ValueError:
        return f'exit {p.returncode}, standard output is no description: ' \
               f'{harness.short(p.stdout)!r}; standard error: {harness.short(p.stderr.strip(), 2000)}'
    status = {'SUCCEEDED': 0, 'FAILED': 1, 'TIMED_OUT': 3, 'ABORTED': 4}.get(description.get('status'))
    if p.returncode != status:
        return f'exit {p.returncode} for status {description.get("status")}; ' \
               f'standard error: {harness.short(p.stderr.strip(), 2000)}'
    return description


def check(aslc, engines, timeout):
    def work(case):
        expected, seen = case['expected'], {}
        if expected is None:
            return 'no expected.json'
        for engine in engines:
            got = execute(aslc, engine, case, timeout)
            if isinstance(got, str):
                return f'{engine}: {got}'
            if got.get('status') != expected['status']:
                return f'{engine}: status: want {expected["status"]}, got {got.get("status")} ' \
                       f'({got.get("error")}: {harness.short(got.get("cause"))})'
            if 'output' in expected:
                d = harness.differs(expected['output'], harness.parsed(got.get('output')), '/output')
                if d:
                    return f'{engine}: {d}'
            if 'outputText' in expected and got.get('output') != expected['outputText']:
                return f'{engine}: output text: want {expected["outputText"]}, got {got.get("output")}'
            if expected['status'] != 'SUCCEEDED':
                for field in ('error', 'cause')[:1 if expected.get('causeAny') else 2]:
                    if expected.get(field) != got.get(field):
                        return f'{engine}: {field}: want {expected.get(field)!r}, got {got.get(field)!r}'
            seen[engine] = {k: got.get(k) for k in OUTCOME}
        first = seen[engines[0]]
        for engine in engines[1:]:
            if seen[engine] != first:
                return f'{engines[0]} and {engine} disagree: {harness.short(first)} and {harness.short(seen[engine])}'
        return None
    return work


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument('--engine', default='build,run,interpret')
    parser.add_argument('--timeout', type=float, default=60)
    opt = parser.parse_args()
    names = sorted(n for n in os.listdir(HERE)
                   if os.path.exists(os.path.join(HERE, n, 'definition.asl.json')) and opt.match in n)
    cases = [(n, load(os.path.join(HERE, n))) for n in names]
    return harness.report(cases, check(os.path.abspath(opt.aslc), opt.engine.split(','), opt.timeout), opt.jobs,
                          opt.verbose)


if __name__ == '__main__':
    sys.exit(main())
