#!/usr/bin/env python3
"""Runs the commands in the documentation and compares what they print.

    run.py --aslc build/compiler/aslc [--update] [README.md docs/handlers.md …]

In a block that begins with ```console, lines that start with "$ " are commands (a line that ends with a backslash goes
on in the next); the lines below, up to the next command, are what they print, standard output and standard error as they
come. `...` as a line of its own stands for any lines; <...> inside a line for any text. All blocks of a page run one after
the other in one scratch folder with a copy of examples/, as one shell session would: `cd`, `export` and files last. Blocks that
begin with ```json FILE or ```c FILE (```json order.asl.json) are written to FILE first. A command that ends with "# exit N"
must end with that status, any other with 0. --update writes what they print now into the page, for review with git diff.
"""
import argparse
import os
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

PAGES = ['README.md', 'docs/handlers.md', 'docs/mocks.md', 'docs/diagnostics.md', 'docs/embedding.md', 'docs/jsonata.md', 'docs/observability.md', 'docs/replay.md', 'docs/durability.md'] + \
        [f'examples/{e}/README.md' for e in ('agent', 'rag', 'tool-call', 'embed')]


def steps(text):
    """Yields ('file', name, content) and ('run', command, status, [expected lines], line number)."""
    lines, i = text.split('\n'), 0
    while i < len(lines):
        m = re.match(r'```(\w+)(?:\s+(\S+))?\s*$', lines[i])
        if not m:
            i += 1
            continue
        language, name = m.groups()
        start = i = i + 1
        while i < len(lines) and lines[i] != '```':
            i += 1
        block = lines[start:i]
        i += 1
        if language == 'console':
            yield from commands(block, start + 1)
        elif name:
            yield ('file', name, '\n'.join(block) + '\n')


def commands(block, number):
    j = 0
    while j < len(block):
        at, command = number + j, block[j]
        if not command.startswith('$ '):
            raise ValueError(f'line {at}: output without a command above it')
        command = command[2:]
        while command.endswith('\\'):
            j += 1
            command += '\n' + block[j]
        j += 1
        expected = []
        while j < len(block) and not block[j].startswith('$ '):
            expected.append(block[j])
            j += 1
        m = re.search(r'\s+# exit (\d+)$', command)
        yield ('run', command[:m.start()] if m else command, int(m.group(1)) if m else 0, expected, at)


def matches(expected, got):
    pattern = ''
    for line in expected:
        if line.strip() == '...':
            pattern += r'(?:.*\n)*?'
        else:
            pattern += '.*'.join(re.escape(part) for part in line.split('<...>')) + r'\n'
    return re.fullmatch(pattern, ''.join(l + '\n' for l in got)) is not None


def run_page(aslc, path, update=False):
    if os.path.basename(path) == 'diagnostics.md' and undocumented(path):
        return undocumented(path)
    with open(path, encoding='utf-8') as f:
        page = f.read()
    todo, changes = list(steps(page)), []
    with tempfile.TemporaryDirectory(prefix='aslc-docs-') as scratch:
        shutil.copytree(os.path.join(harness.PROJECT, 'examples'), os.path.join(scratch, 'examples'),
                        ignore=shutil.ignore_patterns('out'))
        here, count = scratch, 0
        env = dict(os.environ, PATH=os.path.dirname(aslc) + ':' + os.environ['PATH'])
        for step in todo:
            if step[0] == 'file':
                with open(os.path.join(scratch, step[1]), 'w', encoding='utf-8') as f:
                    f.write(step[2])
                continue
            _, command, status, expected, at = step
            count += 1
            where, exports = os.path.join(scratch, '.where'), os.path.join(scratch, '.exports')
            p = harness.run(['sh', '-c', f'[ ! -e "{exports}" ] || . "{exports}"\n{{ {command}\n}} 2>&1; status=$?; pwd >"{where}"; '
                                         f'export -p >"{exports}"; exit $status'], cwd=here, env=env)
            here = open(where).read().strip() if os.path.exists(where) else here
            got = p.stdout.replace(scratch, '').rstrip('\n').split('\n') if p.stdout.strip() else []
            if p.returncode != status:
                return f'line {at}: $ {command}\n    exit {p.returncode}: {harness.short(p.stdout, 1500)}'
            first, last = at + command.count('\n'), at + command.count('\n') + len(expected)   # lines of the page, from 0
            while expected and not expected[-1].strip():
                expected.pop()
            if not matches(expected, got):
                if update:
                    changes.append((first, last, got))
                    continue
                return f'line {at}: $ {command}\n  it says:\n    ' + '\n    '.join(expected) + \
                       '\n  it printed:\n    ' + '\n    '.join(got)
        if not count:
            raise harness.Skip('no console block')
    lines = page.split('\n')
    for first, last, got in reversed(changes):
        lines[first:last] = got
    if changes:
        with open(path, 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines))
        print(f'{len(changes)} outputs changed in {os.path.relpath(path)}')
    return None


def undocumented(path):
    """Every code of the compiler must stand in the page about diagnostics, with its title."""
    with open(os.path.join(harness.PROJECT, 'compiler', 'codes.def'), encoding='utf-8') as f:
        codes = re.findall(r'^CODE\(\w+,\s*"(\w+)",\s*"([^"]*)"', f.read(), re.M)
    with open(path, encoding='utf-8') as f:
        page = f.read()
    missing = [f'{c} {t}' for c, t in codes if f'| {c} | {t} |' not in page]
    gone = [c for c in re.findall(r'^\| (ASL\d+) \|', page, re.M) if c not in {c for c, _ in codes}]
    if missing or gone or not codes:
        return f'not documented: {", ".join(missing) or "none"}; documented but gone: {", ".join(gone) or "none"}'
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--update', action='store_true')
    parser.add_argument('page', nargs='*')
    opt = parser.parse_args()
    aslc = os.path.abspath(opt.aslc)
    pages = [(p, os.path.join(harness.PROJECT, p)) for p in opt.page or PAGES]
    return harness.report(pages, lambda path: run_page(aslc, path, opt.update), 1, True)


if __name__ == '__main__':
    sys.exit(main())
