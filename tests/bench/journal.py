#!/usr/bin/env python3
"""What a journal costs: 1,000 executions of a workflow of four tasks, all at once and one after the other.

    journal.py --aslc build/compiler/aslc [--quick] [--rounds 3] [--work FOLDER] [--docs docs]

In each round, one after the other on the same disk: how many durable transactions SQLite does in a second when each is one
row (write-ahead log, synchronous=FULL, as the journal has it); the executions with `--each` at once; the same with
--max-executions 1, where every transition is a commit of its own; and without a journal. A figure is the median of the
rounds. The tasks are answered at once (return:), so that nothing else is measured.

Exits 1 when what commits in groups is not at least 20 times as fast as what does not. Where the disk does not wait for
its writes (more than 5,000 transactions a second) there is nothing to be gained, and that is said (exit 77). --docs
writes the table into FOLDER/performance.md, between the lines that begin with <!-- journal:begin and <!-- journal:end.
"""
import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

TASKS = 4
FASTER = 20
TOO_FAST = 5000

STATES = {f'T{i}': {'Type': 'Task', 'Resource': 'arn:aws:lambda:us-east-1:123456789012:function:f', 'ResultPath': f'$.t{i}',
                    **({'Next': f'T{i + 1}'} if i < TASKS else {'End': True})} for i in range(1, TASKS + 1)}
DEFINITION = {'StartAt': 'T1', 'States': STATES}


def bare(folder, seconds):
    """Durable transactions a second."""
    path = os.path.join(folder, 'bare.db')
    db = sqlite3.connect(path, isolation_level=None)
    db.execute('pragma journal_mode=wal')
    db.execute('pragma synchronous=full')
    db.execute('create table t(id integer primary key, text)')
    count, started = 0, time.monotonic()
    while time.monotonic() - started < seconds:
        db.execute('begin immediate')
        db.execute('insert into t(text) values (?)', ('x' * 500,))
        db.execute('commit')
        count += 1
    rate = count / (time.monotonic() - started)
    db.close()
    for end in ('', '-wal', '-shm'):
        if os.path.exists(path + end):
            os.remove(path + end)
    return rate


def run(program, folder, executions, *arguments):
    """Transitions a second of a whole process."""
    store = os.path.join(folder, 'j.db')
    arguments = [a.replace('STORE', 'sqlite:' + store) for a in arguments]
    lines = ''.join(json.dumps({'n': i}) + '\n' for i in range(executions))
    environment = {k: v for k, v in os.environ.items() if k != 'ASLC_STORE'}
    started = time.monotonic()
    p = subprocess.run([program, '--each', *arguments], input=lines, capture_output=True, text=True, env=environment)
    took = time.monotonic() - started
    if p.returncode or p.stdout.count('\n') != executions:
        sys.exit(f'exit status {p.returncode}, {p.stdout.count(chr(10))} outputs: {p.stderr[:500]}')
    if os.path.exists(store):
        db = sqlite3.connect(store)
        done = db.execute("select count(*) from execution where status = 'SUCCEEDED'").fetchone()[0]
        events = db.execute('select count(*) from event').fetchone()[0]
        db.close()
        if (done, events) != (executions, executions * (2 + 5 * TASKS)):
            sys.exit(f'the journal has {done} executions and {events} events')
        for end in ('', '-wal', '-shm'):
            if os.path.exists(store + end):
                os.remove(store + end)
    return executions * TASKS / took


def digits(x):
    return f'{x:,.0f}' if x >= 100 else f'{x:.3g}'


def table(rows, executions, singly, faster, rounds):
    """rows: {name: transitions a second}"""
    lines = ['| | a second | to one bare transaction |', '| --- | ---: | ---: |']
    for name, rate in rows.items():
        lines.append(f"| {name} | {digits(rate)} | {digits(rate / rows['bare SQLite transactions'])} |")
    lines.append('')
    measured = f'Medians of {rounds} rounds' if rounds > 1 else 'One round'
    lines.append(f'Committing in groups is **{digits(faster)} times** as fast as one commit a transition. {measured}; '
                 f'{executions:,} executions at once, {singly:,} one after the other, on a {os.cpu_count()}-core '
                 f'{platform.machine()} machine with a load of {os.getloadavg()[0]:.1f}.')
    return '\n'.join(lines)


def write_docs(folder, text):
    path = os.path.join(folder, 'performance.md')
    with open(path, encoding='utf-8') as f:
        lines = f.read().split('\n')
    begin = next(i for i, line in enumerate(lines) if line.startswith('<!-- journal:begin'))
    end = next(i for i, line in enumerate(lines) if line.startswith('<!-- journal:end'))
    lines[begin + 1:end] = text.split('\n')
    with open(path, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--quick', action='store_true', help='one round, and 50 executions one after the other')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--work', help='where the journals are made; default: beside aslc')
    parser.add_argument('--docs')
    options = parser.parse_args()
    rounds, executions, singly = (1, 1000, 50) if options.quick else (options.rounds, 1000, 1000)
    aslc = os.path.abspath(options.aslc)
    folder = tempfile.mkdtemp(prefix='journal-bench-', dir=options.work or os.path.dirname(aslc))
    names = ['bare SQLite transactions', 'transitions, all executions at once', 'transitions, one execution after the other',
             'transitions, all at once, no journal']
    rates = {name: [] for name in names}
    ratios = []
    try:
        definition, program = os.path.join(folder, 'four.asl.json'), os.path.join(folder, 'four')
        with open(definition, 'w', encoding='utf-8') as f:
            json.dump(DEFINITION, f)
        subprocess.run([aslc, 'build', definition, '-o', program, '--bind', '*=return:{"ok":true}'], check=True)
        for _ in range(rounds):
            got = [bare(folder, 1 if options.quick else 3)]
            if got[0] > TOO_FAST:
                print(f'SKIPPED: {digits(got[0])} transactions a second: this disk does not wait for its writes, so there is nothing '
                      'to be gained by writing less often')
                return 77
            got += [run(program, folder, executions, '--name', 'e', '--store', 'STORE'),
                    run(program, folder, singly, '--name', 'e', '--store', 'STORE', '--max-executions', '1'),
                    run(program, folder, executions)]
            for name, rate in zip(names, got):
                rates[name].append(rate)
            ratios.append(got[1] / got[2])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    faster = statistics.median(ratios)
    text = table({name: statistics.median(r) for name, r in rates.items()}, executions, singly, faster, rounds)
    print(text)
    if options.docs:
        write_docs(options.docs, f'\n{text}\n')
    if faster < FASTER:
        print(f'FAILED: {digits(faster)} times is less than {FASTER}')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
