#!/usr/bin/env python3
"""End-to-end tests: the command line as a user types it. A case is a folder here; nothing else lists it.

    run.py --aslc build/compiler/aslc [--match TEXT]

    cmd         a shell script (sh -eu); aslc and the project's folders come in as $ASLC, $PROJECT; it runs in a scratch
                folder that starts as a copy of the case
    stdin       what it reads (absent: nothing)
    stdout      what it must print; a line that starts with "~ " is a regular expression for the whole line
    stderr      the same for standard error (absent: not compared)
    exit-code   the exit status (absent: 0)
    needs       commands that must exist, one a line; otherwise the case is skipped, and said so
    timeout     seconds (absent: 60)
    no-sanitizer  why the case does not run in a sanitized tree (--sanitized)
"""
import os
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness


def read(folder, name, otherwise=None):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return otherwise
    with open(path, encoding='utf-8') as f:
        return f.read()


def text_differs(what, want, got):
    want, got = want.split('\n'), got.split('\n')
    for i in range(max(len(want), len(got))):
        w = want[i] if i < len(want) else '(end)'
        g = got[i] if i < len(got) else '(end)'
        same = re.fullmatch(w[2:], g) is not None if w.startswith('~ ') else w == g
        if not same:
            return f'{what} line {i + 1}:\n    want {w}\n    got  {g}'
    return None


def check(aslc, sanitized):
    def work(folder):
        if sanitized and read(folder, 'no-sanitizer'):
            raise harness.Skip('sanitized: ' + read(folder, 'no-sanitizer').strip())
        for command in (read(folder, 'needs', '') or '').split():
            if shutil.which(command) is None:
                raise harness.Skip(f'needs {command}')
        with tempfile.TemporaryDirectory(prefix='aslc-e2e-') as scratch:
            here = os.path.join(scratch, os.path.basename(folder))
            shutil.copytree(folder, here)
            env = dict(os.environ, ASLC=aslc, PROJECT=harness.PROJECT)
            env['PATH'] = os.path.dirname(aslc) + ':' + env['PATH']
            options = {'input': read(folder, 'stdin')} if read(folder, 'stdin') is not None else {}
            p = harness.run(['sh', '-eu', './cmd'], timeout=float(read(folder, 'timeout', '60')), cwd=here, env=env,
                            **options)
        problem = None
        want = (read(folder, 'exit-code', '0') or '0').strip()
        if str(p.returncode) != want:
            problem = f'exit: want {want}, got {p.returncode}'
        if not problem and read(folder, 'stdout') is not None:
            problem = text_differs('standard output', read(folder, 'stdout'), p.stdout)
        if not problem and read(folder, 'stderr') is not None:
            problem = text_differs('standard error', read(folder, 'stderr'), p.stderr)
        if problem:
            problem += f'\n  standard output: {harness.short(p.stdout, 1500)}\n  standard error: ' \
                       f'{harness.short(p.stderr, 1500)}'
        return problem
    return work


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument('--sanitized', action='store_true')
    opt = parser.parse_args()
    cases = [(n, os.path.join(HERE, n)) for n in sorted(os.listdir(HERE))
             if os.path.exists(os.path.join(HERE, n, 'cmd')) and opt.match in n]
    return harness.report(cases, check(os.path.abspath(opt.aslc), opt.sanitized), opt.jobs, opt.verbose)


if __name__ == '__main__':
    sys.exit(main())
