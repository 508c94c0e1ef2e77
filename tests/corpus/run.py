#!/usr/bin/env python3
"""Definitions that other people wrote: the good ones are accepted and compile, the bad ones are refused with a place.

    run.py --aslc build/compiler/aslc --corpus FOLDER [valid|invalid|compile …] [--list FILE]

FOLDER holds valid/ and invalid/, each with files and a manifest.jsonl. It is no part of the project; without it the test
is skipped. What later features need is skipped too, and counted by reason.

    valid     aslc check accepts it: exit 0, placeholders in strings unfilled; -D only where text is no JSON without
    compile   aslc build --emit=obj compiles it
    invalid   aslc check refuses it: exit 2 and at least one FILE:LINE:COLUMN: error[…]
"""
import argparse
import collections
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

LATER = ('field:ItemReader', 'field:ItemBatcher', 'field:ResultWriter')


def rows(folder):
    with open(os.path.join(folder, 'manifest.jsonl'), encoding='utf-8') as f:
        for line in f:
            row = json.loads(line)
            row['path'] = os.path.join(folder, row['file'])
            yield row


def not_yet(row, building):
    """Why a row is left out, or None."""
    if row.get('contested'):
        return 'contested'
    if row.get('format') == 'YAML':
        return 'YAML is a later feature'
    if row['file'].startswith('ManageIQ.floe__http'):
        return "floe's dialect: a ResultPath into the Context object, which the service refuses"
    if building and row['file'].endswith('valid-task-intrisic-function.asl.json'):
        return 'a CloudFormation function as Resource is a later feature'
    if building and any(f in row.get('features', []) for f in LATER):
        return 'ItemReader, ItemBatcher and ResultWriter are later features'
    forms = row.get('substitution', {}).get('forms', [])
    if 'terraform %{} directive' in forms:
        return 'Terraform directives are no part of ASL'
    return None


def defines(row):
    """-D for the placeholders that stand outside strings: without a value the text is no JSON."""
    out = []
    for note in row.get('notes', []):
        if note.startswith('syntax: unquoted-placeholder'):
            names = {p[2:-1] for p in row.get('substitution', {}).get('placeholders', [])}
            text = open(row['path'], encoding='utf-8-sig').read()
            for name in sorted(names):
                if re.search(r'[:\[,]\s*\$\{' + re.escape(name) + r'\}\s*[,\]}\n]', text):
                    out += ['-D', f'{name}={value_for(name)}']
    return out


def value_for(name):
    if re.search(r'(?i)subnet|ids|jsonencode', name):
        return '["subnet-1"]'
    return '{}' if re.search('(?i)arguments', name) else '9'


def crashed(p):
    return p.returncode == 'timed out' or p.returncode not in (0, 2)


def check_valid(aslc, row):
    p = harness.run([aslc, 'check', row['path']] + defines(row))
    if p.returncode == 0:
        return None
    return f'exit {p.returncode}: {harness.short((p.stdout + p.stderr).strip(), 500)}'


def check_compile(aslc, row):
    with tempfile.TemporaryDirectory(prefix='aslc-corpus-') as scratch:
        p = harness.run([aslc, 'build', '--emit=obj', '-o', os.path.join(scratch, 'x.o')] + defines(row) + [row['path']])
        if p.returncode == 0 and os.path.getsize(os.path.join(scratch, 'x.o')) > 0:
            return None
    return f'exit {p.returncode}: {harness.short((p.stdout + p.stderr).strip(), 500)}'


def check_invalid(aslc, row):
    express = ['--type', 'express'] if row.get('state_machine_type') == 'EXPRESS' else []
    p = harness.run([aslc, 'check'] + express + [row['path']])
    if p.returncode != 2:
        return f'exit {p.returncode}; expected {row["expected"]["code"]} at {row["expected"]["path"]}: ' \
               f'{row["expected"]["reason"]}'
    if not re.search(r':\d+:\d+: error\[ASL\d+\]', p.stdout + p.stderr):
        return f'no located message: {harness.short((p.stdout + p.stderr).strip())}'
    return None


CHECKS = {'valid': ('valid', False, check_valid), 'compile': ('valid', True, check_compile),
          'invalid': ('invalid', False, check_invalid)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--corpus', required=True)
    parser.add_argument('--match', default='')
    parser.add_argument('--list', help='write the names of what failed')
    parser.add_argument('--jobs', type=int, default=harness.jobs())
    parser.add_argument('what', nargs='*', help=' '.join(CHECKS))
    opt = parser.parse_args()
    if not os.path.isdir(opt.corpus):
        print(f'SKIPPED: there is no {opt.corpus}, so no definitions in the wild were tried')
        return harness.SKIPPED
    aslc, status = os.path.abspath(opt.aslc), 0
    for what in opt.what or list(CHECKS):
        folder, building, work = CHECKS[what]
        left_out, cases = collections.Counter(), []
        for row in rows(os.path.join(opt.corpus, folder)):
            why = not_yet(row, building)
            if folder == 'invalid' and why != 'contested':   # what is wrong is wrong whatever else is not supported yet
                why = None
            if why:
                left_out[why] += 1
            elif opt.match in row['file']:
                cases.append((row['file'], row))
        print(f'{what}:')
        status = max(status, harness.report(cases, lambda row: work(aslc, row), opt.jobs))
        for why, n in left_out.most_common():
            print(f'  not tried: {n}: {why}')
    return status


if __name__ == '__main__':
    sys.exit(main())
