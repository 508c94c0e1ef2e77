#!/usr/bin/env python3
"""Writes runtime/musl.ld: which functions a static executable has to have close together.

    order.py --aslc FILE [--libc FILE] > runtime/musl.ld

Builds a few short workflows with `aslc build --static`, runs them under valgrind's cachegrind and lists the functions that
ran, those of the shortest workflow first. To be done again when a start-up takes more page faults than it did; a name that
is not there any more does no harm.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile

HEAD = """/* What static executables have close together (compiler/link.c; written by tests/bench/order.py).

   A short run takes a tenth of a millisecond, and a fault on a page of the file more than a microsecond of it. So the functions
   that every such run executes stand first, and what none of them reads stands last. */
"""
WORKFLOW = '*(EXCLUDE_FILE(*.a:*) .text)'  # what is in no archive
LAST = ['page_packed', 'asl__run_usage']  # the report's page, the help
UNNAMED = ['memcpy', 'memset', 'memmove', 'memrchr', '__set_thread_area', '__init_ssp', '__do_cleanup_push']  # by valgrind
ADD = {'Type': 'Pass', 'Next': 'Check', 'Parameters': {'n.$': 'States.MathAdd($.n, 1)', 'limit.$': '$.limit'}}
CHECK = {'Type': 'Choice', 'Default': 'Done', 'Choices': [{'Variable': '$.n', 'NumericLessThanPath': '$.limit', 'Next': 'Add'}]}
WORKFLOWS = [  # definition, input
    ({'StartAt': 'Hello', 'States': {'Hello': {'Type': 'Pass', 'Result': {'hello': 'world'}, 'End': True}}}, ''),
    ({'StartAt': 'Check', 'States': {'Check': CHECK, 'Add': ADD, 'Done': {'Type': 'Succeed'}}}, '{"n": 1, "limit": 9}'),
    ({'StartAt': 'Greet', 'States': {'Greet': {'Type': 'Pass', 'End': True, 'ResultPath': '$.greeting', 'Parameters': {
        'text.$': "States.Format('Hello {}, {} of {}', $.name, $.age, States.ArrayLength($.all))"}}}},
     '{"name": "Ada", "age": 36, "all": [1, 2.5, "\\u00e9", null, true]}'),
    ({'StartAt': 'Each', 'States': {'Each': {'Type': 'Map', 'ItemsPath': '$.all', 'End': True, 'ItemProcessor': {
        'StartAt': 'One', 'States': {'One': {'Type': 'Pass', 'Parameters': {'v.$': '$'}, 'End': True}}}}}}, '{"all": [1, 2, 3]}'),
]


def executed(aslc, folder, definition, text):
    source, program, out = (os.path.join(folder, name) for name in ('order.asl.json', 'order', 'counts'))
    with open(source, 'w', encoding='utf-8') as f:
        json.dump(definition, f)
    subprocess.run([aslc, 'build', '--static', '-o', program, source], check=True)
    subprocess.run(['valgrind', '--tool=cachegrind', f'--cachegrind-out-file={out}', program], input=text, text=True, check=True,
                   capture_output=True)
    with open(out, encoding='utf-8') as f:
        return [line[3:].strip() for line in f if line.startswith('fn=')]


def members(libc):
    """{function: member of the archive}"""
    strong, weak = {}, {}
    for line in subprocess.run(['nm', '-A', libc], capture_output=True, text=True).stdout.splitlines():
        m = re.match(r'[^:]*:([^:]+):\S*\s+([TtWw])\s+(\S+)$', line)
        if m:
            (strong if m[2] in 'Tt' else weak).setdefault(m[3], m[1])
    return weak | strong


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--aslc', required=True)
    p.add_argument('--runtime', help='default: as in the build tree')
    p.add_argument('--libc', default='/usr/lib/x86_64-linux-musl/libc.a')
    args = p.parse_args()
    runtime = args.runtime or os.path.join(os.path.dirname(args.aslc), '../runtime/libasl-musl.a')
    ours, libc = members(runtime), members(args.libc)
    order = {'*crt1.o(.text.*)': True, **{f'*libc.a:{libc[name]}(.text .text.*)': True for name in UNNAMED}}
    with tempfile.TemporaryDirectory() as folder:
        for definition, text in WORKFLOWS:
            for name in executed(args.aslc, folder, definition, text):
                name = name.split("'")[0]
                if name in ours:
                    order[f'*(.text.{name})'] = True
                elif name in libc:
                    order[f'*libc.a:{libc[name]}(.text .text.*)'] = True
            order[WORKFLOW] = True
    print(HEAD)
    print('SECTIONS\n{\n  .text.first :\n  {')
    for line in order:
        print(f'    {line}')
    print('  }\n}\nINSERT BEFORE .text;\n')
    print('SECTIONS\n{\n  .rodata.last :\n  {')
    for name in LAST:
        print(f'    *(.rodata.{name})')
    print('  }\n}\nINSERT AFTER .rodata;')


main()
