#!/usr/bin/env python3
"""Golden tests: a definition and, beside it, the text the compiler must give for it.

    run.py --aslc build/compiler/aslc [diag|plan|ir …] [--match TEXT]
    update                                            rewrites what differs, for review with git diff

    diag/NAME.asl.json + NAME.diag     aslc check: every message, and the exit status in the last line
    plan/NAME.asl.json + NAME.plan     aslc build --emit=plan
    ir/NAME.asl.json   + NAME.ir       aslc build -O0 --emit=ir, with LLVM 19: the code alone (see code_of)

A diag case may have NAME.args: further arguments, one a line.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

KINDS = ('diag', 'plan', 'ir')
ENDING = '.asl.json'


def code_of(ir):
    """What the emitter decides: not the machine it runs on, the folder it runs in, or the image, which is in the plan."""
    lines = []
    for line in ir.split('\n'):
        if re.match(r'target |source_filename|declare |attributes |; (ModuleID|Function Attrs)|!', line):
            continue
        line = re.sub(r',? !(dbg|prof) !\d+', '', line)
        line = re.sub(r'^@image = .*', '@image = …', line)
        line = re.sub(r'(ptr @image, i64) \d+', r'\1 …', line)
        line = re.sub(r' *; preds = .*', '', line)
        if line or (lines and lines[-1]):
            lines.append(line)
    return '\n'.join(lines).strip('\n') + '\n'


def actual(aslc, kind, definition):
    folder, name = os.path.split(definition)
    args = []
    extra = definition[:-len(ENDING)] + '.args'
    if os.path.exists(extra):
        with open(extra, encoding='utf-8') as f:
            args = f.read().split('\n')[:-1]
    if kind == 'diag':
        p = harness.run([aslc, 'check', name] + args, cwd=folder)
        return f'{p.stdout}{p.stderr}exit {p.returncode}\n', None
    optimise = ['-O0'] if kind == 'ir' else []
    p = harness.run([aslc, 'build', f'--emit={kind}', '-o', '-'] + optimise + args + [name], cwd=folder)
    if p.returncode != 0:
        return p.stdout, f'exit {p.returncode}: {harness.short(p.stderr.strip(), 1000)}'
    return code_of(p.stdout) if kind == 'ir' else p.stdout, None


def difference(want, got):
    want, got = want.split('\n'), got.split('\n')
    for i in range(max(len(want), len(got))):
        w = want[i] if i < len(want) else '(end)'
        g = got[i] if i < len(got) else '(end)'
        if w != g:
            return f'line {i + 1}:\n    want {w}\n    got  {g}'
    return None


def check(aslc, update):
    def work(case):
        kind, definition = case
        got, problem = actual(aslc, kind, definition)
        if problem:
            return problem
        path = definition[:-len(ENDING)] + '.' + kind
        want = None
        if os.path.exists(path):
            with open(path, encoding='utf-8') as f:
                want = f.read()
        if want == got:
            return None
        if update:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(got)
            print(f'wrote {os.path.relpath(path)}')
            return None
        if want is None:
            return f'there is no {os.path.basename(path)}: run tests/golden/update'
        return difference(want, got)
    return work


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument('--update', action='store_true')
    parser.add_argument('kind', nargs='*', help=' '.join(KINDS))
    opt = parser.parse_args()
    unknown = [k for k in opt.kind if k not in KINDS]
    if unknown:
        parser.error(f'there is no {unknown[0]}: the kinds are {", ".join(KINDS)}')
    cases = []
    for kind in opt.kind or KINDS:
        folder = os.path.join(HERE, kind)
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
            if name.endswith(ENDING) and opt.match in name:
                cases.append((f'{kind}/{name[:-len(ENDING)]}', (kind, os.path.join(folder, name))))
    return harness.report(cases, check(os.path.abspath(opt.aslc), opt.update), opt.jobs, opt.verbose)


if __name__ == '__main__':
    sys.exit(main())
