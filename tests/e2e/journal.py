#!/usr/bin/env python3
"""The journal as a shell sees it: executions that survive their process, and the commands that look after them.

    journal.py --aslc build/compiler/aslc [--match TEXT] [--sanitized]

Tasks are a shell script that notes each of its calls, so that what ran how often is counted by those who did it, not by
the history. Each test has a folder and a store of its own; programs are built once. The PostgreSQL part starts a server
of its own (journal_postgres.py), or says that it was skipped.
"""
import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness
import journal_postgres

TASK = '''#!/bin/sh
# Notes the call, then does what files in the folder say: hold-STATE[-ITEM] waits until it is gone, fail-STATE[-ITEM] fails.
read -r input
item=$(printf %s "$input" | tr -dc 0-9a-z)
[ -n "${ASL_TASK_TOKEN-}" ] && { echo "$ASL_TASK_TOKEN" >"token-$ASL_STATE.new"; mv "token-$ASL_STATE.new" "token-$ASL_STATE"; }
echo "$ASL_STATE $ASL_IDEMPOTENCY_TOKEN $ASL_ATTEMPT $item" >>calls
while [ -e "hold-$ASL_STATE" ] || [ -e "hold-$ASL_STATE-$item" ]; do sleep 0.02; done
if [ -e "fail-$ASL_STATE" ] || [ -e "fail-$ASL_STATE-$item" ]; then
    echo "{\\"Error\\": \\"Broken\\", \\"Cause\\": \\"$ASL_STATE is broken\\"}" >&2
    exit 1
fi
printf '%s\\n' "$input"
'''
FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:f'
TOKEN = 'arn:aws:states:::lambda:invoke.waitForTaskToken'


def task(following=None, **more):
    return dict({'Type': 'Task', 'Resource': FUNCTION}, **{'Next': following} if following else {'End': True}, **more)


def chain(*states):
    """{'A': {...}, 'B': {...}}: one after the other."""
    names = [n for n, _ in states]
    done = {}
    for i, (name, state) in enumerate(states):
        done[name] = dict(state, **{'Next': names[i + 1]} if i + 1 < len(names) else {'End': True})
    return {'StartAt': names[0], 'States': done}


TASK_STATE = {'Type': 'Task', 'Resource': FUNCTION}
WAIT_STATE = {'Type': 'Wait', 'Seconds': 1}
ASK_STATE = {'Type': 'Task', 'Resource': TOKEN, 'Parameters': {'FunctionName': 'f', 'Payload': {'token.$': '$$.Task.Token'}}}

THREE = chain(('A', TASK_STATE), ('B', TASK_STATE), ('C', TASK_STATE))
PAUSED = chain(('A', TASK_STATE), ('W', WAIT_STATE), ('B', TASK_STATE))
ASKED = chain(('A', TASK_STATE), ('Ask', ASK_STATE), ('B', TASK_STATE))
ITEMS = chain(('Each', {'Type': 'Map', 'ItemsPath': '$.items', 'ItemProcessor': chain(('One', TASK_STATE), ('Two', TASK_STATE))}),
              ('Z', {'Type': 'Pass'}))
BRANCHES = chain(('A', TASK_STATE), ('Both', {'Type': 'Parallel', 'Branches': [
    chain(('L1', TASK_STATE), ('L2', TASK_STATE)), chain(('R1', TASK_STATE), ('R2', TASK_STATE))]}), ('Z', TASK_STATE))
NESTED = chain(('Outer', {'Type': 'Map', 'ItemsPath': '$', 'ItemProcessor': chain(
    ('In', {'Type': 'Parallel', 'Branches': [
        chain(('P', TASK_STATE)),
        chain(('Inner', {'Type': 'Map', 'ItemsPath': '$', 'ItemProcessor': chain(('Q', TASK_STATE))}))]}))}))


class Problem(Exception):
    pass


def sql(path, *statements):
    """The first column of the last one's rows."""
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        return [[row[0] for row in db.execute(s)] for s in statements][-1]
    finally:
        db.close()


def need(condition, text):
    if not condition:
        raise Problem(text if isinstance(text, str) else harness.short(text, 1500))


def same(want, got, what=''):
    need(want == got, f'{what}: want {harness.short(want, 700)}, got {harness.short(got, 700)}')


def wait_until(condition, what, seconds=20):
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        need(time.monotonic() < until, f'waited in vain: {what}')
        time.sleep(0.01)


class Programs:
    """Builds each program once, whoever asks."""

    def __init__(self, aslc):
        self.aslc = aslc
        self.folder = tempfile.mkdtemp(prefix='aslc-journal-programs-')
        os.chmod(self.folder, 0o755)
        self.lock, self.locks = threading.Lock(), {}

    def build(self, definition, name, *options):
        text = json.dumps(definition)
        key = hashlib.sha256(json.dumps([text, name, options]).encode()).hexdigest()[:16]
        folder = os.path.join(self.folder, key)
        with self.lock:
            lock = self.locks.setdefault(key, threading.Lock())
        with lock:
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                os.makedirs(folder)
                os.chmod(folder, 0o755)
                with open(path + '.asl.json', 'w', encoding='utf-8') as f:
                    f.write(text)
                bind = [] if '--unbound' in options else ['--bind', '*=exec:./task']
                p = harness.run([self.aslc, 'build', path + '.asl.json', '-o', path, *bind, *options])
                need(p.returncode == 0, p.stderr)
            return path


class Bench:
    """A scratch folder with the task in it, a store, and how a program is run there."""

    def __init__(self, programs, options, store=None):
        self.programs, self.options = programs, options
        self.folder = tempfile.mkdtemp(prefix='aslc-journal-')
        os.chmod(self.folder, 0o755)
        self.store = store or 'sqlite:j.db'
        self.started = []
        self.write('task', TASK)
        os.chmod(self.path('task'), 0o755)

    def close(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.communicate()
        for name in os.listdir(self.folder):
            if name.startswith('hold-'):
                os.remove(self.path(name)) # tasks that outlive their workflow end
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text=''):
        with open(self.path(name), 'w', encoding='utf-8') as f:
            f.write(text)

    def remove(self, name):
        os.remove(self.path(name))

    def text(self, name):
        with open(self.path(name), encoding='utf-8') as f:
            return f.read()

    def use(self, definition, name='order', *options):
        self.program = self.programs.build(definition, name, *options)
        self.definition = self.program + '.asl.json'

    def environment(self, extra=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(('ASLC_', 'AWS_', 'PG'))}
        return {**clean, 'ASLC_STORE': self.store, **(extra or {})}

    def run(self, *arguments, status=0, program=None, env=None, says=None, **options):
        """Runs the program; it must end with that exit status and say that on standard error."""
        p = harness.run([*(program or [self.program]), *arguments], cwd=self.folder, env=self.environment(env), **options)
        need(p.returncode == status, f'{" ".join(arguments)}: exit status {p.returncode}, not {status}: '
                                     f'{harness.short(p.stdout)} {harness.short(p.stderr, 1000)}')
        if says is not None:
            need(re.search(says, p.stderr), f'{" ".join(arguments)}: it should say {says!r}, and says: {harness.short(p.stderr, 1000)}')
        return p

    def start(self, *arguments, program=None, env=None, **options):
        p = subprocess.Popen([*(program or [self.program]), *arguments], cwd=self.folder, env=self.environment(env),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8', **options)
        self.started.append(p)
        return p

    def end(self, p, status, seconds=30):
        out, err = p.communicate(timeout=seconds)
        need(p.returncode == status, f'exit status {p.returncode}, not {status}: {harness.short(out)} {harness.short(err)}')
        return out, err

    def calls(self):
        if not os.path.exists(self.path('calls')):
            return []
        return [line.split(' ') for line in self.text('calls').splitlines()]

    def counts(self):
        """{'One': 3, …}: how often each state's task was called; forgets them."""
        counts = {}
        for call in self.calls():
            counts[call[0]] = counts.get(call[0], 0) + 1
        if counts:
            self.remove('calls')
        return counts

    def called(self, state, times=1):
        wait_until(lambda: sum(c[0] == state for c in self.calls()) >= times, f'{state} is called')

    def events(self, name):
        events = json.loads(self.run('history', name).stdout)['events']
        well_formed(events)
        return events

    def describe(self, name):
        return json.loads(self.run('describe', name).stdout)

    def killed(self, *arguments, at, program=None):
        """Starts the program and kills it while the task of that state is at work."""
        self.write('hold-' + at)
        p = self.start(*arguments, program=program)
        self.called(at, 1 + sum(c[0] == at for c in self.calls()))
        p.send_signal(signal.SIGKILL)
        p.communicate()
        self.remove('hold-' + at)


ENDS = ('ExecutionSucceeded', 'ExecutionFailed', 'ExecutionTimedOut', 'ExecutionAborted')


def well_formed(events):
    same(list(range(1, len(events) + 1)), [e['id'] for e in events], 'ids')
    times = [e['timestamp'] for e in events]
    need(times == sorted(times), 'times do not go back')
    for e in events:
        need(0 <= e['previousEventId'] < e['id'], f'event {e["id"]} points at {e["previousEventId"]}')
    same(['ExecutionStarted'], [e['type'] for e in events][:1], 'first event')
    ended = False
    for e in events:
        need(not ended or e['type'] == 'ExecutionRedriven', f'{e["type"]} after the end')
        ended = e['type'] in ENDS


def types(events):
    return [e['type'] for e in events]


def undated(events):
    return [{k: v for k, v in e.items() if k != 'timestamp'} for e in events]


# ---------------------------------------------------------------- run

def fresh_then_finished(b):
    b.use(THREE)
    same('{"a":1}\n', b.run('--name', 'one', '--input', '{"a": 1}').stdout, 'output')
    same({'A': 1, 'B': 1, 'C': 1}, b.counts(), 'calls')
    for arguments in (['--name', 'one'], ['--name', 'one', '--input', '{"a":1.0 } '], ['run', '--name=one', '--input', '{"a":1}']):
        p = b.run(*arguments)
        same(('{"a":1}\n', ''), (p.stdout, p.stderr), f'the stored result, {arguments}')
    same({}, b.counts(), 'nothing was called again')
    p = b.run('--name', 'one', '--input', '{"a":2}', status=2, says='execution "one" exists already, with another input')
    same('', p.stdout, 'no output')
    b.run('--name', 'two', '--input', '{"a":2}')
    stored, live = json.loads(b.run('--name', 'one', '--describe').stdout), b.describe('one')
    same(live, stored, 'describe')
    same(('SUCCEEDED', '{"a":1}', 'NOT_REDRIVABLE', 0), (live['status'], live['output'], live['redriveStatus'], live['redriveCount']), 'describe')


def fresh_then_failed(b):
    b.use(THREE)
    b.write('fail-B')
    first = b.run('--name', 'n', '--input', '{}', status=1, says=r'^order: FAILED Broken: B is broken \(state "B"\)\n$')
    again = b.run('--name', 'n', '--input', '{}', status=1)
    same((first.stdout, first.stderr), (again.stdout, again.stderr), 'said again')
    same({'A': 1, 'B': 1}, b.counts(), 'calls')


def described_alike_live_and_stored(b):
    """What a run prints with --describe is what describe has afterwards."""
    b.use(THREE)
    live = json.loads(b.run('--name', 'n', '--input', '{"a":1}', '--describe').stdout)
    stored = b.describe('n')
    same({k: stored.get(k) for k in live}, live, 'every member of the live one')


def killed_then_resumed(b):
    b.use(THREE)
    b.killed('--name', 'n', '--input', '{"a":1}', at='B')
    same('RUNNING', b.describe('n')['status'], 'status')
    same('{"a":1}\n', b.run('--name', 'n', '--input', '{"a":1}').stdout, 'output')
    calls = b.calls()
    same(['A', 'B', 'B', 'C'], [c[0] for c in calls], 'calls')
    tokens = [c[1] for c in calls]
    same(1, len({tokens[1], tokens[2]}), 'the task in flight has the same idempotency token')
    same(3, len(set(tokens)), 'and others have others')
    b.run('--name', 'undisturbed', '--input', '{"a":1}')
    clean = lambda name: json.loads(json.dumps(undated(b.events(name))).replace('undisturbed', 'n'))
    same(clean('undisturbed'), clean('n'), 'history')


def killed_in_parallel_and_map(b):
    b.use(BRANCHES)
    b.write('hold-L2')
    p = b.start('--name', 'n', '--input', '[7]')
    b.called('L2')
    b.called('R2')
    p.kill()
    p.communicate()
    b.remove('hold-L2')
    same('[[7],[7]]\n', b.run('--name', 'n').stdout, 'output')
    counts = b.counts()
    need(counts['R2'] in (1, 2), 'R2 may have been in flight')
    same({'A': 1, 'L1': 1, 'R1': 1, 'L2': 2, 'Z': 1}, {k: v for k, v in counts.items() if k != 'R2'}, 'calls')
    b.events('n')
    b.use(ITEMS)
    b.write('hold-Two')
    p = b.start('--name', 'm', '--input', '{"items": [1,2,3]}')
    b.called('Two', 3)
    p.kill()
    p.communicate()
    b.remove('hold-Two')
    same('[1,2,3]\n', b.run('resume', 'm').stdout, 'output')
    same({'One': 3, 'Two': 6}, b.counts(), 'calls')
    b.events('m')


def killed_between_attempts(b):
    """A retrier's count and its interval outlive the process."""
    b.use(chain(('T', dict(TASK_STATE, Retry=[{'ErrorEquals': ['Broken'], 'IntervalSeconds': 1, 'BackoffRate': 1, 'MaxAttempts': 2}]))))
    b.write('fail-T')
    p = b.start('--name', 'n', '--input', '{}')
    b.called('T')
    time.sleep(0.3)
    p.kill()
    p.communicate()
    b.run('resume', 'n', status=1, says='FAILED Broken')
    calls = b.calls()
    same(['0', '1', '2'], [c[2] for c in calls], 'attempts')
    same(3, len({c[1] for c in calls}), 'each attempt has its own idempotency token')


def results_of_an_attempt_that_is_over(b):
    """What a Map inside had done before the Parallel round it failed and was retried, counts no more."""
    b.use(chain(('P', {'Type': 'Parallel', 'Retry': [{'ErrorEquals': ['States.ALL'], 'IntervalSeconds': 1, 'MaxAttempts': 1}], 'Branches': [
        chain(('M', {'Type': 'Map', 'ItemsPath': '$', 'MaxConcurrency': 1, 'ItemProcessor': chain(('Q', TASK_STATE))})),
        chain(('R', TASK_STATE))]})))
    for name in ('hold-R', 'fail-R', 'hold-Q-3'):
        b.write(name)
    p = b.start('--name', 'n', '--input', '[1,2,3]')
    b.called('Q', 3)
    b.called('R')
    b.write('hold-Q-1')
    b.remove('hold-R')
    wait_until(lambda: 'LambdaFunctionFailed' in types(b.events('n')), 'R fails')
    b.write('hold-R')
    b.called('R', 2)
    b.called('Q', 4)
    p.kill()
    p.communicate()
    for name in ('fail-R', 'hold-R', 'hold-Q-3', 'hold-Q-1'):
        b.remove(name)
    same('[[1,2,3],[1,2,3]]\n', b.run('resume', 'n').stdout, 'output')
    same([3, 2, 2], [sum(c[0] == 'Q' and c[3] == i for c in b.calls()) for i in '123'], 'calls of each item')
    well = b.events('n')
    same(5, types(well).count('MapIterationSucceeded'), 'iterations')


def input_comes_from_the_journal(b):
    b.use(PAUSED)
    b.run('--name', 'n', '--input', '{"a":1}', '--suspend-after', '0', status=75)
    b.run('--name', 'n', '--input', '{"a":2}', '--wait', status=2, says='exists already, with another input')
    b.run('--name', 'n', '--input', 'missing.json', status=2, says='cannot read the input from missing.json')
    same('{"a":1}\n', b.run('--name', 'n', '--wait').stdout, 'without an input')


# ---------------------------------------------------------------- list, describe, history

def listing(b):
    b.use(THREE)
    b.run('list', status=2, says=r'store j\.db: there is no such file') if b.store.startswith('sqlite') else None
    b.run('--name', 'first', '--input', '{}')
    b.write('fail-B')
    b.run('--name', 'second', '--input', '{}', status=1)
    b.remove('fail-B')
    b.killed('--name', 'third', '--input', '{}', at='C')
    lines = b.run('list').stdout.splitlines()
    same(['NAME', 'STATUS', 'STARTED', 'ENDED', 'STATE'], lines[0].split(), 'heading')
    rows = [line.split() for line in lines[1:]]
    same([['third', 'RUNNING'], ['second', 'FAILED'], ['first', 'SUCCEEDED']], [r[:2] for r in rows], 'newest first')
    same(['C', 'B'], [rows[0][4], rows[1][4]], 'where it stands and where it failed')
    need(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', rows[1][3]) and rows[0][3] == '-', rows)
    data = json.loads(b.run('list', '--format', 'json').stdout)['executions']
    same(['third', 'second', 'first'], [e['name'] for e in data], 'JSON')
    same(['executionArn', 'stateMachineArn', 'name', 'status', 'startDate', 'stopDate', 'redriveCount'], list(data[1]), 'members')
    same('arn:aws:states:us-east-1:123456789012:execution:order:third', data[0]['executionArn'], 'ARN')
    for status, names in (('FAILED', ['second']), ('RUNNING', ['third']), ('SUCCEEDED', ['first']), ('ABORTED', [])):
        got = json.loads(b.run('list', '--status', status, '--format=json').stdout)['executions']
        same(names, [e['name'] for e in got], status)
    same('', b.run('list', '--status', 'TIMED_OUT').stdout, 'none')
    b.run('list', '--status', 'failed', status=2, says='--status is RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED, not "failed"')
    b.run('list', '--format', 'xml', status=2, says='--format is text or json, not "xml"')
    b.run('list', 'first', status=2, says='what is "first"')
    b.use(THREE, 'another')
    same('', b.run('list').stdout, 'another machine in the same store')
    b.run('describe', 'first', status=2, says='there is no execution "first"')


def describing(b):
    b.use(THREE)
    b.write('fail-C')
    b.run('--name', 'n', '--input', '{"a": 1}', status=1)
    d = b.describe('n')
    same(('n', 'FAILED', '{"a":1}' if d['input'] == '{"a":1}' else '{"a": 1}', 'Broken', 'C is broken', 'REDRIVABLE'),
         (d['name'], d['status'], d['input'], d['error'], d['cause'], d['redriveStatus']), 'members')
    need('output' not in d and d['stopDate'] >= d['startDate'] > 1.7e9, d)
    b.run('describe', 'nobody', status=2, says='there is no execution "nobody" in ' + re.escape(b.store.split('?')[0][:12]))
    b.run('describe', status=2, says="describe needs the execution's name")
    b.run('history', status=2, says="history needs the execution's name")
    b.run('resume', 'nobody', status=2, says='there is no execution "nobody"')
    b.run('redrive', status=2, says="redrive needs the execution's name")
    b.run('stop', 'nobody', status=2, says='there is no execution "nobody"')
    b.run('remove', 'n', status=2, says='what is "remove"')


def histories(b):
    b.use(ITEMS)
    b.run('--name', 'n', '--input', '{"items":[1,2]}', '--history', 'h.json')
    same(json.loads(b.text('h.json')), json.loads(b.run('history', 'n').stdout), 'what the run wrote and what is stored')
    b.events('n')
    b.run('history', 'n', '--report', 'page.html')
    page = b.text('page.html')
    need(page.startswith('<!') and 'MapIterationSucceeded' in page, 'a page')
    b.run('history', 'n', '--report', 'no/such/page.html', status=1, says='cannot write the report to no/such/page.html: No such file')
    b.use(PAUSED)
    b.run('--name', 'p', '--input', '{}', '--suspend-after', '0', '--history', 'p1.json', status=75)
    b.run('resume', 'p', '--wait', '--history', 'p2.json', '--report', 'p2.html')
    stored = json.loads(b.run('history', 'p').stdout)
    same(stored, json.loads(b.text('p2.json')), 'a resumed run writes all of the history')
    need('ExecutionStarted' in b.text('p2.html'), 'and so does its report')


def following(b):
    b.use(THREE)
    b.write('hold-B')
    p = b.start('--name', 'n', '--input', '{}')
    b.called('B')
    f = b.start('history', 'n', '--follow')
    seen = []
    reader = threading.Thread(target=lambda: [seen.append(line) for line in f.stdout], daemon=True)
    reader.start()
    wait_until(lambda: len(seen) >= 7, 'events so far')
    need(f.poll() is None, 'it stays')
    b.remove('hold-B')
    b.end(p, 0)
    f.wait(timeout=20)
    reader.join(5)
    same(0, f.returncode, 'it ends with the execution')
    same(types(b.events('n')), [line.split()[2] for line in seen], 'a line an event')
    need(re.match(r'\d{4}-\d\d-\d\dT[\d:.]+Z +2  TaskStateEntered +A$', seen[1]), seen[1])


# ---------------------------------------------------------------- resume

def resuming_all(b):
    b.use(PAUSED)
    for n in 'abc':
        b.run('--name', n, '--input', '{}', '--suspend-after', '0', status=75,
              says=f'order: execution "{n}" is journalled: run again to go on')
    p = b.run('resume', '--wait')
    for n in 'abc':
        need(f'order: {n} SUCCEEDED' in p.stderr, p.stderr)
    same({'A': 3, 'B': 3}, b.counts(), 'calls')
    b.run('resume', says='order: nothing to resume')
    same('{}\n', b.run('resume', 'a').stdout, 'the stored result of one that has ended')
    b.write('fail-B')
    b.run('--name', 'd', '--input', '{}', '--suspend-after', '0', status=75)
    b.run('--name', 'e', '--input', '{}', '--suspend-after', '0', status=75)
    p = b.run('resume', '--suspend-after', '0', status=75)
    need('d goes on later' in p.stderr and 'e goes on later' in p.stderr, p.stderr)
    p = b.run('resume', '--wait')
    need('d FAILED' in p.stderr and 'e FAILED' in p.stderr, p.stderr)


def resuming_all_but_one(b):
    """One that cannot be taken up keeps nobody else from going on."""
    b.use(PAUSED)
    b.run('--name', 'good', '--input', '{}', '--suspend-after', '0', status=75)
    b.use(chain(('A', TASK_STATE), ('W', WAIT_STATE), ('Old', WAIT_STATE), ('B', TASK_STATE)))
    b.run('--name', 'bad', '--input', '{}', '--suspend-after', '0', status=75)
    time.sleep(1.1)
    b.run('resume', 'bad', '--suspend-after', '0', status=75)
    b.use(PAUSED)
    b.run('resume', '--wait', status=2, says='there is no state "Old"|no "Old"')
    same(['SUCCEEDED', 'RUNNING'], [b.describe(n)['status'] for n in ('good', 'bad')], 'statuses')


# ---------------------------------------------------------------- redrive

def redriving_a_task(b):
    b.use(chain(('A', TASK_STATE), ('T', dict(TASK_STATE, Retry=[{'ErrorEquals': ['Broken'], 'IntervalSeconds': 1, 'MaxAttempts': 1}])),
                ('C', TASK_STATE)))
    b.write('fail-T')
    run = ['--clock', 'virtual']
    b.run('--name', 'n', '--input', '{"a":1}', *run, status=1)
    b.run('redrive', 'n', *run, status=1, says='FAILED Broken')
    b.remove('fail-T')
    same('{"a":1}\n', b.run('redrive', 'n', *run).stdout, 'output')
    calls = b.calls()
    same(['A', 'T', 'T', 'T', 'T', 'T', 'C'], [c[0] for c in calls], 'calls')
    same(['0', '0', '1', '0', '1', '0', '0'], [c[2] for c in calls], 'a redrive counts attempts anew')
    same(7, len({c[1] for c in calls}), 'other attempts, other idempotency tokens')
    events = b.events('n')
    same([('ExecutionFailed', 'ExecutionRedriven', 'LambdaFunctionScheduled')] * 2,
         [(t[i - 1], t[i], t[i + 1]) for t in [types(events)] for i, x in enumerate(t) if x == 'ExecutionRedriven'], 'not entered again')
    same([1, 2], [e['executionRedrivenEventDetails']['redriveCount'] for e in events if e['type'] == 'ExecutionRedriven'], 'counts')
    d = b.describe('n')
    same(('SUCCEEDED', 2, 'NOT_REDRIVABLE'), (d['status'], d['redriveCount'], d['redriveStatus']), 'describe')
    need('redriveDate' in d and 'error' not in d, d)
    p = b.run('redrive', 'n', status=2, says='"n" is SUCCEEDED and cannot be redriven')
    same('', p.stdout, 'nothing more')
    same('SUCCEEDED', b.describe('n')['status'], 'it stays what it was')


def redrive_in_the_context_object(b):
    b.use(chain(('T', TASK_STATE), ('P', {'Type': 'Pass', 'Parameters': {'e.$': '$$.Execution'}})))
    b.write('fail-T')
    b.run('--name', 'n', '--input', '{}', status=1)
    b.remove('fail-T')
    e = json.loads(b.run('redrive', 'n').stdout)['e']
    same(1, e['RedriveCount'], 'count')
    need(e['RedriveTime'] > e['StartTime'], e)
    b.run('--name', 'm', '--input', '{}')
    e = json.loads(b.run('run', '--name', 'm').stdout)['e']
    same((0, False), (e['RedriveCount'], 'RedriveTime' in e), 'without one')


def redriving_what_runs(b):
    b.use(PAUSED)
    b.run('--name', 'n', '--input', '{}', '--suspend-after', '0', status=75)
    b.run('redrive', 'n', status=2, says='"n" is RUNNING and cannot be redriven')
    b.run('--name', 'n', '--wait')
    same({'A': 1, 'B': 1}, b.counts(), 'calls')
    same(0, b.describe('n')['redriveCount'], 'count')


def redriving_a_parallel(b):
    b.use(BRANCHES)
    for name in ('fail-R2', 'hold-R2', 'hold-L2'):
        b.write(name)
    p = b.start('--name', 'n', '--input', '[7]')
    b.called('L2')
    b.called('R2')
    b.remove('hold-R2')
    b.end(p, 1)
    b.remove('hold-L2')
    b.remove('fail-R2')
    same({'A': 1, 'L1': 1, 'L2': 1, 'R1': 1, 'R2': 1}, b.counts(), 'calls')
    same('[[7],[7]]\n', b.run('redrive', 'n').stdout, 'output')
    same({'L2': 1, 'R2': 1, 'Z': 1}, b.counts(), 'the aborted and the failed one')
    b.events('n')


def redriving_a_map(b):
    b.use(dict(ITEMS))
    b.write('fail-Two-3')
    b.run('--name', 'n', '--input', '{"items":[1,2,3,4]}', status=1)
    first = b.calls()
    done = {c[3] for c in first if c[0] == 'Two'} - {'3'}
    ones = {c[3] for c in first if c[0] == 'One'}
    b.counts()
    b.remove('fail-Two-3')
    same('[1,2,3,4]\n', b.run('redrive', 'n').stdout, 'output')
    again = b.calls()
    same([], [c for c in again if c[0] == 'One' and c[3] in ones and c[3] == '3'], 'what is before the failed state is not done again')
    twos = sorted(c[3] for c in again if c[0] == 'Two')
    need('3' in twos and len(twos) == len(set(twos)), twos)
    succeeded = [e for e in b.events('n') if e['type'] == 'MapIterationSucceeded']
    same([0, 1, 2, 3], sorted(e['mapIterationSucceededEventDetails']['index'] for e in succeeded), 'each iteration succeeds once')
    need(done | set(twos) == set('1234'), 'all are done')


def redriving_a_map_one_by_one(b):
    """With MaxConcurrency 1 it is known which items are done, failed and not begun."""
    machine = json.loads(json.dumps(ITEMS))
    machine['States']['Each']['MaxConcurrency'] = 1
    b.use(machine)
    b.write('fail-Two-3')
    b.run('--name', 'n', '--input', '{"items":[1,2,3,4]}', status=1)
    same({'One': 3, 'Two': 3}, b.counts(), 'calls')
    b.remove('fail-Two-3')
    same('[1,2,3,4]\n', b.run('redrive', 'n').stdout, 'output')
    same({'One': 1, 'Two': 2}, b.counts(), 'only what is missing')
    b.events('n')


def distributed(mode, **more):
    machine = json.loads(json.dumps(ITEMS))
    machine['States']['Each']['ItemProcessor']['ProcessorConfig'] = {'Mode': 'DISTRIBUTED', 'ExecutionType': mode}
    machine['States']['Each'].update(more)
    return machine


def distributed_maps(b):
    """Their items are executions of their own to the service; here they are kept with their Map."""
    b.use(distributed('STANDARD'))
    b.write('hold-Two')
    p = b.start('--name', 'killed', '--input', '{"items": [1,2,3]}')
    b.called('Two', 3)
    p.kill()
    p.communicate()
    b.remove('hold-Two')
    same('[1,2,3]\n', b.run('resume', 'killed').stdout, 'output')
    same({'One': 3, 'Two': 6}, b.counts(), 'calls')
    well = types(b.events('killed'))
    same(1, well.count('MapRunSucceeded'), 'events')
    b.use(distributed('STANDARD', MaxConcurrency=1))
    b.write('fail-Two-2')
    b.run('--name', 'failed', '--input', '{"items": [1,2,3]}', status=1)
    same({'One': 2, 'Two': 2}, b.counts(), 'calls')
    b.remove('fail-Two-2')
    same('[1,2,3]\n', b.run('redrive', 'failed').stdout, 'output')
    same({'One': 1, 'Two': 2}, b.counts(), 'what had not succeeded')
    b.events('failed')


def redriving_nested(b):
    b.use(NESTED)
    b.write('fail-Q-5')
    b.run('--name', 'n', '--input', '[[1,2],[4,5],[7]]', status=1)
    first = b.counts()
    b.remove('fail-Q-5')
    same('[[[1,2],[1,2]],[[4,5],[4,5]],[[7],[7]]]\n', b.run('redrive', 'n').stdout, 'output')
    again = b.counts()
    need(again.get('Q', 0) >= 1, again)
    # what was done is not done again: whatever was in flight is
    need(first['Q'] + again['Q'] <= 5 + 5 and first['P'] + again.get('P', 0) <= 3 + 3, [first, again])
    b.events('n')


def redriving_what_was_left_by_a_catcher(b):
    """A failure that a catcher took is no business of a redrive."""
    inner = chain(('P', {'Type': 'Parallel', 'Branches': [chain(('X', TASK_STATE)), chain(('Y', TASK_STATE))]}))
    inner['States']['P'].update({'Catch': [{'ErrorEquals': ['States.ALL'], 'Next': 'C'}]})
    inner['States']['C'] = task()
    b.use(inner)
    b.write('fail-X')
    b.write('fail-C')
    b.run('--name', 'n', '--input', '{}', status=1, says=r'state "C"')
    b.remove('fail-C')
    b.counts()
    b.run('redrive', 'n')
    same({'C': 1}, b.counts(), 'only the state after the catcher')
    b.events('n')


def redriving_fail_and_choice(b):
    b.use({'StartAt': 'A', 'States': {'A': task('Choose'),
                                      'Choose': {'Type': 'Choice', 'Choices': [{'Variable': '$.a', 'NumericEquals': 2, 'Next': 'No'}]},
                                      'No': {'Type': 'Fail', 'Error': 'No', 'Cause': 'never'}}})
    b.run('--name', 'fail', '--input', '{"a":2}', status=1, says='FAILED No: never')
    b.run('redrive', 'fail', status=1, says='FAILED No: never')
    same(['FailStateEntered', 'ExecutionFailed', 'ExecutionRedriven', 'FailStateEntered', 'ExecutionFailed'], types(b.events('fail'))[-5:], 'Fail')
    b.run('--name', 'choice', '--input', '{"a":3}', status=1, says='FAILED States.Runtime: .*The state does not point to a next state')
    b.run('redrive', 'choice', status=1, says='FAILED States.Runtime: .*The state does not point to a next state')
    same(['ChoiceStateEntered', 'ExecutionFailed', 'ExecutionRedriven', 'ChoiceStateEntered', 'ExecutionFailed'], types(b.events('choice'))[-5:], 'Choice')
    same({'A': 2}, b.counts(), 'calls')


def redriving_an_aborted_and_a_timed_out_one(b):
    b.use(dict(PAUSED, TimeoutSeconds=1))
    b.write('hold-B')
    b.run('--name', 'late', '--input', '{}', '--wait', status=3, says='TIMED_OUT')
    b.counts()
    p = b.start('redrive', 'late', '--wait')
    time.sleep(0.2)
    b.remove('hold-B')
    b.end(p, 3) # the whole timeout again, but the Wait takes all of it
    b.use(THREE)
    b.write('hold-B')
    p = b.start('--name', 'n', '--input', '{}')
    b.called('B')
    b.run('stop', 'n')
    b.end(p, 4)
    b.remove('hold-B')
    b.counts()
    b.run('redrive', 'n')
    same({'B': 1, 'C': 1}, b.counts(), 'from what was aborted')
    b.events('n')


def redrive_that_is_killed(b):
    b.use(THREE)
    b.write('fail-B')
    b.run('--name', 'n', '--input', '{}', status=1)
    b.remove('fail-B')
    b.killed('redrive', 'n', at='C')
    b.counts()
    d = b.describe('n')
    same(('RUNNING', 1), (d['status'], d['redriveCount']), 'it runs, and is redriven')
    b.run('resume', 'n')
    same({'C': 1}, b.counts(), 'calls')
    b.events('n')


# ---------------------------------------------------------------- stop, gc

def stopping(b):
    b.use(THREE)
    b.write('hold-B')
    p = b.start('--name', 'n', '--input', '{}')
    b.called('B')
    started = time.monotonic()
    same('', b.run('stop', 'n', '--error', 'Enough', '--cause', 'no "more"').stdout, 'stop prints nothing')
    need(time.monotonic() - started < (6 if b.options.sanitized else 3), 'stopped soon')
    _, err = b.end(p, 4)
    need('order: ABORTED Enough: no "more"' in err, err)
    d = b.describe('n')
    same(('ABORTED', 'Enough', 'no "more"', 'REDRIVABLE'), (d['status'], d['error'], d['cause'], d['redriveStatus']), 'describe')
    same('ExecutionAborted', types(b.events('n'))[-1], 'event')
    b.run('stop', 'n') # once more: it has ended
    same('Enough', b.describe('n')['error'], 'the first one counts')
    b.run('--name', 'n', status=4, says='ABORTED Enough')
    b.remove('hold-B')
    b.killed('--name', 'dead', '--input', '{}', at='B')
    b.counts()
    b.run('stop', 'dead', '--error', 'E')
    same(({}, 'ABORTED', 'E'), (b.counts(), b.describe('dead')['status'], b.describe('dead')['error']), 'nobody ran it')
    need('cause' not in b.describe('dead'), 'no cause')
    b.run('stop', status=2, says="stop needs the execution's name")


def stopping_without_its_tasks(b):
    """Who stops an execution need not know who did its work."""
    b.use(THREE, 'order', '--unbound')
    b.killed('--name', 'n', '--input', '{}', '--bind', '*=exec:./task', at='B')
    b.run('resume', 'n', status=2, says='state "B": nothing serves the resource')
    b.run('stop', 'n')
    same('ABORTED', b.describe('n')['status'], 'status')
    b.run('redrive', 'n', '--bind', '*=exec:./task')
    same({'A': 1, 'B': 2, 'C': 1}, b.counts(), 'calls')


def names_of_their_own(b):
    """Without --name the same command would start another one."""
    b.use(ASKED)
    p = b.run('--input', '{}', status=75)
    name = re.match(r'order: execution "([0-9a-f-]{36})" is journalled and waits in state "Ask": resume it to go on\n$', p.stderr).group(1)
    b.run('send-task-success', b.text('token-Ask').strip(), '--output', '1')
    same('1\n', b.run('resume', name).stdout, 'output')
    b.write('in', '1\n2\n')
    b.run('--each', '--input', 'in', status=75, says='order: 2 executions are journalled: resume them to go on')


def stopping_what_is_suspended(b):
    b.use(ASKED)
    b.run('--name', 'n', '--input', '{}', status=75)
    b.run('stop', 'n')
    same('ABORTED', b.describe('n')['status'], 'status')
    b.run('send-task-success', b.text('token-Ask').strip(), '--output', '{}', status=2, says='TaskDoesNotExist')


def collecting(b):
    b.use(THREE)
    big = {'x': 'y' * 100000}
    b.write('big.json', json.dumps(big))
    b.run('--name', 'old', '--input', 'big.json')
    b.write('fail-B')
    b.run('--name', 'failed', '--input', 'big.json', status=1)
    b.remove('fail-B')
    b.killed('--name', 'running', '--input', 'big.json', at='C')
    b.run('gc', '--older-than', '1h', says='order: 0 executions deleted')
    time.sleep(1.1)
    b.run('--name', 'young', '--input', '{}')
    b.run('gc', '--older-than', '1s', says='order: 2 executions deleted')
    same(['young', 'running'], [e['name'] for e in json.loads(b.run('list', '--format', 'json').stdout)['executions']], 'left')
    same(json.dumps(big, separators=(',', ':')) + '\n', b.run('--name', 'running').stdout, 'its payload is still there')
    b.run('--name', 'old', '--input', '{}') # the name is free again
    time.sleep(0.05)
    b.run('gc', '--older-than=0s', says='order: 3 executions deleted')
    if b.store.startswith('sqlite'):
        for table in ('execution', 'event', 'frame', 'result', 'payload', 'payload_use', 'token'):
            same([0], sql(b.path('j.db'), f'select count(*) from {table}'), table)
    b.run('gc', status=2, says='gc needs --older-than')
    for bad in ('30', 'd', '-1d', '1w', '1dd', '99999999999d'):
        b.run('gc', '--older-than=' + bad, status=2, says='--older-than is a number of days, hours, minutes or seconds')


# ---------------------------------------------------------------- task tokens, suspending

def approval_across_processes(b):
    b.use(ASKED)
    p = b.run('--name', 'n', '--input', '{}', status=75, says='order: execution "n" is journalled and waits in state "Ask": run again to go on')
    same('', p.stdout, 'no output yet')
    same('Ask', b.run('list').stdout.splitlines()[1].split()[-1], 'where it waits')
    token = b.text('token-Ask').strip()
    b.run('--name', 'n', status=75, says='waits in state "Ask"') # too early
    b.run('send-task-success', token, '--output', '{"approved": "by me"}')
    same('{"approved":"by me"}\n', b.run('--name', 'n', '--input', '{}').stdout, 'output')
    same({'A': 1, 'Ask': 1, 'B': 1}, b.counts(), 'calls')
    events = b.events('n')
    same(['TaskScheduled', 'TaskStarted', 'TaskSubmitted', 'TaskSucceeded'], [t for t in types(events) if t.startswith('Task') and 'State' not in t], 'events')


def tokens_are_answered_once(b):
    b.use(ASKED)
    token = lambda: b.text('token-Ask').strip()
    b.run('--name', 'n', '--input', '{}', status=75)
    b.run('send-task-heartbeat', token())
    b.run('send-task-failure', token(), '--error', 'Denied', '--cause', 'not today')
    for again in (['send-task-success', token()], ['send-task-failure', token()], ['send-task-heartbeat', token()]):
        b.run(*again, status=2, says='TaskDoesNotExist: this token has been answered already')
    b.run('resume', 'n', status=1, says=r'FAILED Denied: not today \(state "Ask"\)')
    b.run('send-task-success', token(), status=2, says='TaskDoesNotExist: no task waits for this token')
    b.run('send-task-success', 'nonsense', status=2, says='TaskDoesNotExist: no task waits for this token in ')
    b.run('send-task-success', status=2, says="send-task-success needs the task's token")
    b.run('--name', 'm', '--input', '{}', status=75)
    b.run('send-task-success', token(), '--output', '{"a":', status=2, says='InvalidOutput: --output is JSON: 1:6')
    b.run('send-task-success', token(), '--output', '7')
    same('7\n', b.run('resume', 'm').stdout, 'the bad one was no answer')
    b.run('--name', 'f', '--input', '{}', status=75)
    b.run('send-task-failure', token())
    p = b.run('resume', 'f', status=1)
    need('FAILED' in p.stderr, p.stderr)
    d = b.describe('f')
    need('cause' not in d, d)


def answers_before_the_handler_is_done(b):
    """A token is worth something from when the handler has it, also when the process is killed before the handler ends."""
    b.use({'StartAt': 'P', 'States': {'P': {'Type': 'Parallel', 'End': True, 'Branches': [
        chain(('Ask', ASK_STATE)), chain(('Two', ASK_STATE))]}}})
    b.write('hold-Two')
    p = b.start('--name', 'n', '--input', '{}')
    b.called('Ask')
    b.called('Two')
    wait_until(lambda: 'TaskSubmitted' in types(b.events('n')), 'Ask is submitted')
    p.kill()
    p.communicate()
    first = b.text('token-Two')
    b.run('send-task-success', b.text('token-Ask').strip(), '--output', '1')
    b.run('send-task-success', first.strip(), '--output', '2')
    b.remove('hold-Two')
    same('[1,2]\n', b.run('resume', 'n').stdout, 'output')
    same(first, b.text('token-Two'), 'if the handler was called again, then with the same token')
    b.events('n')
    b.use(ASKED)
    b.killed('--name', 'm', '--input', '{}', at='Ask')
    first = b.text('token-Ask')
    b.run('send-task-success', first.strip(), '--output', '3')
    same('3\n', b.run('resume', 'm').stdout, 'output')
    same(first, b.text('token-Ask'), 'the same token')
    b.events('m')
    # while the process is there
    b.write('hold-Ask')
    p = b.start('--name', 'o', '--input', '{}')
    b.called('Ask', 2)
    wait_until(lambda: b.text('token-Ask') != first, 'a new token')
    b.run('send-task-success', b.text('token-Ask').strip(), '--output', '4')
    time.sleep(0.3)
    b.remove('hold-Ask')
    same('4\n', b.end(p, 0)[0], 'output')
    b.events('o')


def answers_reach_a_process_that_waits(b):
    b.use(ASKED)
    p = b.start('--name', 'n', '--input', '{}', '--wait')
    wait_until(lambda: os.path.exists(b.path('token-Ask')), 'the token')
    token = b.text('token-Ask').strip()
    # before the task has been submitted there is a token already
    wait_until(lambda: harness.run([b.program, 'send-task-success', token, '--output', '"yes"'], cwd=b.folder,
                                   env=b.environment()).returncode == 0, 'the token is known')
    same(('"yes"\n', ''), b.end(p, 0), 'output')


def waiting_with_heartbeats(b):
    b.use(chain(('Ask', dict(ASK_STATE, HeartbeatSeconds=2, TimeoutSeconds=60))))
    p = b.start('--name', 'n', '--input', '{}', '--wait')
    wait_until(lambda: os.path.exists(b.path('token-Ask')), 'the token')
    token = b.text('token-Ask').strip()
    for _ in range(3): # more time than one heartbeat lasts
        time.sleep(1)
        b.run('send-task-heartbeat', token)
    b.run('send-task-success', token, '--output', '1')
    same(('1\n', ''), b.end(p, 0), 'output')


def heartbeat_that_runs_out(b):
    b.use(chain(('Ask', dict(ASK_STATE, HeartbeatSeconds=1)), ))
    b.run('--name', 'n', '--input', '{}', status=75)
    token = b.text('token-Ask').strip()
    time.sleep(1.1)
    b.run('send-task-heartbeat', token, status=2, says='TaskTimedOut')
    b.run('send-task-success', token, '--output', '1', status=2, says='TaskTimedOut: the task that waited for this token has run out of time')
    b.run('resume', 'n', status=1, says=r'FAILED States.Timeout \(state "Ask"\)')
    same(['TaskTimedOut', 'ExecutionFailed'], types(b.events('n'))[-2:], 'events')
    b.run('--name', 'w', '--input', '{}', '--wait', status=1, says='FAILED States.Timeout') # nobody sends one


def heartbeats_while_nobody_is_there(b):
    b.use(chain(('Ask', dict(ASK_STATE, HeartbeatSeconds=2)), ))
    b.run('--name', 'n', '--input', '{}', status=75)
    token = b.text('token-Ask').strip()
    for _ in range(3):
        time.sleep(0.9)
        b.run('send-task-heartbeat', token)
    b.run('resume', 'n', status=75, says='waits in state "Ask"')
    b.run('send-task-success', token, '--output', '1')
    same('1\n', b.run('resume', 'n').stdout, 'output')


def timeout_ends_it_whatever_the_heartbeats(b):
    b.use(chain(('Ask', dict(ASK_STATE, HeartbeatSeconds=2, TimeoutSeconds=5)), ))
    b.run('--name', 'n', '--input', '{}', status=75)
    token = b.text('token-Ask').strip()
    started = time.monotonic()
    while time.monotonic() - started < 3:
        time.sleep(0.8)
        b.run('send-task-heartbeat', token)
    time.sleep(started + 5.2 - time.monotonic())
    b.run('send-task-success', token, '--output', '1', status=2, says='TaskTimedOut')
    b.run('resume', 'n', status=1, says='FAILED States.Timeout')


def suspending_after(b):
    b.use(chain(('A', TASK_STATE), ('W', dict(WAIT_STATE, Seconds=2)), ('B', TASK_STATE)))
    started = time.monotonic()
    b.run('--name', 'n', '--input', '{}', '--suspend-after', '1', status=75, says='execution "n" is journalled')
    need(time.monotonic() - started < (4 if b.options.sanitized else 1.5), 'at once')
    b.run('--name', 'n', '--suspend-after=2') # not more is left than that, so it stays
    need(time.monotonic() - started > 1.9, 'not before its time')
    same({'A': 1, 'B': 1}, b.counts(), 'calls')
    b.run('--name', 'm', '--input', '{}') # 60 by default
    for bad in ('soon', '-1', '1s', '1e10'):
        b.run('--suspend-after', bad, status=2, says='--suspend-after takes a number of seconds, not "' + bad)


def waits_that_are_over_by_then(b):
    b.use(PAUSED)
    b.run('--name', 'n', '--input', '{}', '--suspend-after', '0', status=75)
    time.sleep(1.1)
    started = time.monotonic()
    b.run('--name', 'n', '--suspend-after', '0')
    need(time.monotonic() - started < (4 if b.options.sanitized else 0.9), 'at once')


def no_suspending_while_a_task_is_at_work(b):
    b.use({'StartAt': 'P', 'States': {'P': {'Type': 'Parallel', 'End': True, 'Branches': [
        chain(('Ask', ASK_STATE)), chain(('Slow', TASK_STATE)), chain(('W', dict(WAIT_STATE, Seconds=3600)))]}}})
    b.write('hold-Slow')
    p = b.start('--name', 'n', '--input', '[1]')
    b.called('Slow')
    b.called('Ask')
    time.sleep(0.5)
    need(p.poll() is None, 'it stays')
    b.remove('hold-Slow')
    b.end(p, 75)
    same({'Slow': 1, 'Ask': 1}, b.counts(), 'calls')
    b.run('stop', 'n')


def signals_suspend(b):
    b.use(THREE)
    for sent in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        name = f'n{int(sent)}'
        b.write('hold-B')
        p = b.start('--name', name, '--input', '{}')
        b.called('B')
        p.send_signal(sent)
        out, err = b.end(p, 75)
        same(('', f'order: execution "{name}" is journalled and waits in state "B": run again to go on\n'), (out, err), 'said')
        b.remove('hold-B')
        b.run('--name', name)
        same({'A': 1, 'B': 2, 'C': 1}, b.counts(), 'calls')
        b.events(name)
    b.write('hold-B')
    p = b.start('--input', '{}', env={'ASLC_STORE': ''})
    b.called('B')
    p.send_signal(signal.SIGTERM)
    b.end(p, 4) # without a journal it is aborted


# ---------------------------------------------------------------- --each

def each_in_order(b):
    b.use(THREE)
    b.write('in', '{"a":1}\n\n  [2]\n"3"')
    same('{"a":1}\n[2]\n"3"\n', b.run('--each', '--input', 'in').stdout, 'output')
    same({'A': 3, 'B': 3, 'C': 3}, b.counts(), 'calls')
    need('order: execution' not in b.run('list').stdout, 'listed')
    b.write('in', '{"a":1}\n')
    same('', b.run('--each', '--input', '-', input='').stdout, 'nothing')
    b.run('--each', '--max-executions', '0', status=2, says='--max-executions takes a number from 1 on, not "0"')


def each_with_names(b):
    b.use(THREE)
    b.write('fail-B-2')
    b.write('in', '1\n2\n{bad\n4\n')
    p = b.run('--each', '--name', 'job', '--input', 'in', status=2)
    same('1\nnull\nnull\n4\n', p.stdout, 'output')
    need('job-2: order: FAILED Broken: B is broken (state "B")' in p.stderr, p.stderr)
    need(re.search(r'order: input line 3, column 2: ', p.stderr), p.stderr)
    names = sorted((e['name'], e['status']) for e in json.loads(b.run('list', '--format=json').stdout)['executions'])
    same([('job-1', 'SUCCEEDED'), ('job-2', 'FAILED'), ('job-4', 'SUCCEEDED')], names, 'list')
    b.counts()
    p = b.run('--each', '--name', 'job', '--input', 'in', status=2, says='job-2: order: FAILED Broken: B is broken')
    same(('1\nnull\nnull\n4\n', {}), (p.stdout, b.counts()), 'stored results')
    b.remove('fail-B-2')
    b.run('redrive', 'job-2')
    b.write('in', '1\n2\n')
    same('1\n2\n', b.run('--each', '--name', 'job', '--input', 'in').stdout, 'after a redrive')
    b.write('in', '1\n3\n')
    p = b.run('--each', '--name', 'job', '--input', 'in', status=2, says='execution "job-2" exists already, with another input')
    same('1\nnull\n', p.stdout, 'the others are there')


def each_described(b):
    b.use(THREE)
    b.write('fail-B-2')
    b.write('in', '1\n2\n')
    for _ in range(2): # fresh, stored
        lines = [json.loads(line) for line in b.run('--each', '--name', 'j', '--describe', '--input', 'in', status=1).stdout.splitlines()]
        same([('j-1', 'SUCCEEDED'), ('j-2', 'FAILED')], [(d['name'], d['status']) for d in lines], 'descriptions')


def each_killed_then_resumed(b):
    b.use(THREE)
    n = 40
    b.write('in', ''.join(f'{i}\n' for i in range(n)))
    b.write('hold-C')
    p = b.start('--each', '--name', 'j', '--input', 'in', '--max-executions', '16')
    b.called('C', 8)
    p.kill()
    p.communicate()
    b.remove('hold-C')
    same(''.join(f'{i}\n' for i in range(n)), b.run('--each', '--name', 'j', '--input', 'in').stdout, 'output')
    calls = b.calls()
    for i in range(n): # of each, one task at most was at work, and has been called again
        own = [c for c in calls if c[3] == str(i)]
        need({c[0] for c in own} == set('ABC') and len(own) <= 4 and len({c[1] for c in own}) == 3, [i, own])
    need(len(calls) <= 3 * n + 16, 'at most 16 were at work')
    statuses = [e['status'] for e in json.loads(b.run('list', '--format=json').stdout)['executions']]
    same(['SUCCEEDED'] * n, statuses, 'all')


def each_suspends(b):
    b.use(ASKED)
    b.write('in', '1\n2\n')
    b.run('--each', '--name', 'j', '--input', 'in', status=75, says='order: 2 executions are journalled: run again to go on')
    b.run('send-task-success', b.text('token-Ask').strip(), '--output', '5')
    p = b.run('--each', '--name', 'j', '--input', 'in', status=75, says='order: 1 execution is journalled: run again to go on')
    b.run('send-task-success', b.text('token-Ask').strip(), status=2)
    same(1, sum(e['status'] == 'SUCCEEDED' for e in json.loads(b.run('list', '--format=json').stdout)['executions']), 'one has ended')
    same({'A': 2, 'Ask': 2, 'B': 1}, b.counts(), 'calls')


# ---------------------------------------------------------------- who may run it

def two_processes(b):
    b.use(THREE)
    b.write('hold-B')
    p = b.start('--name', 'n', '--input', '{}')
    b.called('B')
    for command in (['--name', 'n', '--input', '{}'], ['resume', 'n']):
        b.run(*command, status=75, says=rf'order: execution "n" is being run by another process \(.* {p.pid} \d+\)')
    b.run('resume', says='being run by another process .*\norder: nothing to resume')
    b.run('redrive', 'n', status=2, says='"n" is RUNNING and cannot be redriven')
    same('RUNNING', b.describe('n')['status'], 'looking is allowed')
    b.remove('hold-B')
    same(('{}\n', ''), b.end(p, 0), 'the first is not disturbed')
    same({'A': 1, 'B': 1, 'C': 1}, b.counts(), 'calls')


def two_processes_at_once(b):
    b.use(THREE)
    for i in range(4):
        ps = [b.start('--name', f'n{i}', '--input', '{}') for _ in range(2)]
        ends = sorted([(p.communicate(timeout=30), p.returncode) for p in ps], key=lambda e: e[1])
        need(ends[0][1] == 0 and ends[1][1] in (0, 2, 75), ends)
        same({'A': 1, 'B': 1, 'C': 1}, b.counts(), 'calls')


def one_that_was_paused_too_long(b):
    """A process that comes back after another has taken over notices it, and does nothing more."""
    b.use(PAUSED)
    p = b.start('--name', 'n', '--input', '{}', '--wait')
    b.called('A')
    wait_until(lambda: any(t == 'WaitStateEntered' for t in types(b.events('n'))), 'in the Wait')
    p.send_signal(signal.SIGSTOP)
    sql(b.path('j.db'), "update execution set lease_ms = 1, owner = 'elsewhere'") # as if its lease had run out
    same('{}\n', b.run('--name', 'n', '--wait').stdout, 'taken over')
    p.send_signal(signal.SIGCONT)
    out, err = b.end(p, 75)
    need('another process has taken the execution over' in err and out == '', out + err)
    same({'A': 1, 'B': 1}, b.counts(), 'calls')
    b.events('n')


# ---------------------------------------------------------------- definitions that change

def renamed(definition, old, new):
    return json.loads(json.dumps(definition).replace(f'"{old}"', f'"{new}"'))


def definitions_that_change(b):
    """What an execution needs is asked for by name, not the definition's hash."""
    b.use(PAUSED)
    b.run('--name', 'n', '--input', '{"a":1}', '--suspend-after', '0', status=75)
    b.use(renamed(PAUSED, 'W', 'Pause'))
    b.run('--name', 'n', '--wait', status=2, says='the definition has changed since execution "n" was journalled: there is no .*"W"')
    same('RUNNING', b.describe('n')['status'], 'nothing is lost')
    changed = chain(('New', TASK_STATE), ('A', TASK_STATE), ('W', WAIT_STATE), ('Extra', {'Type': 'Pass', 'Result': 'new'}), ('B', TASK_STATE))
    b.use(changed)
    same('"new"\n', b.run('--name', 'n', '--wait').stdout, 'it goes on in the new definition')
    same({'A': 1, 'B': 1}, b.counts(), 'calls')


def variables_that_are_gone(b):
    first = chain(('A', TASK_STATE), ('V', {'Type': 'Pass', 'Assign': {'v.$': '$.a'}}), ('W', WAIT_STATE),
                  ('P', {'Type': 'Pass', 'Parameters': {'v.$': '$v'}}))
    second = chain(('A', TASK_STATE), ('V', {'Type': 'Pass', 'Assign': {'v.$': '$.a', 'u': 1}}), ('W', WAIT_STATE),
                   ('P', {'Type': 'Pass', 'Parameters': {'v.$': '$v', 'u.$': '$u'}}))
    b.use(first)
    b.run('--name', 'n', '--input', '{"a":1}', '--suspend-after', '0', status=75)
    b.use(second)
    b.run('--name', 'n', '--wait', status=2, says='the definition has changed since execution "n" was journalled: .* it needs ".*u"')
    b.use(first)
    same('{"v":1}\n', b.run('--name', 'n', '--wait').stdout, 'with the one it has')
    # The other way round: a variable that is not needed any more
    b.use(second)
    b.run('--name', 'm', '--input', '{"a":1}', '--suspend-after', '0', status=75)
    b.use(first)
    same('{"v":1}\n', b.run('--name', 'm', '--wait').stdout, 'what is not needed is not missed')


def states_that_become_something_else(b):
    b.use(ITEMS)
    b.killed('--name', 'n', '--input', '{"items":[1]}', at='One')
    other = json.loads(json.dumps(ITEMS))
    other['States']['Each'] = {'Type': 'Pass', 'Next': 'Z'}
    b.use(other)
    b.run('resume', 'n', status=2, says='the definition has changed since execution "n" was journalled')
    b.use(ITEMS)
    same('[1]\n', b.run('resume', 'n').stdout, 'nothing is lost')
    b.use(THREE)
    b.killed('--name', 't', '--input', '[1]', at='B')
    b.use(chain(('A', TASK_STATE), ('B', {'Type': 'Pass'}), ('C', TASK_STATE)))
    b.run('resume', 't', status=2, says='the definition has changed since execution "t" was journalled')
    b.use(THREE)
    b.run('resume', 't')


def engines_share_a_journal(b):
    """Written by one, taken up by another: compiled with and without optimisation, compiled in memory, interpreted."""
    states = []
    for i in range(4):
        states += [(f'T{i}', TASK_STATE), (f'V{i}', {'Type': 'Pass', 'Assign': {f'v{i}.$': '$.n'}}), (f'W{i}', WAIT_STATE)]
    states.append(('End', {'Type': 'Pass', 'Parameters': {'all.$': 'States.Array($v0, $v1, $v2, $v3)'}}))
    definition = chain(*states)
    b.use(definition)
    text = b.definition
    slow = b.programs.build(definition, 'order', '-O0')
    engines = [[b.program], [b.programs.aslc, 'interpret', text, '--bind', '*=exec:./task'], [slow],
               [b.programs.aslc, 'run', text, '--bind', '*=exec:./task']]
    for step in range(5): # a process for each Wait and one more
        for turn in range(4):
            b.run('--name', f'n{turn}', '--suspend-after', '0', *(['--input', '{"n":1}'] if step == 0 else []),
                  program=engines[(turn + step) % 4], status=75 if step < 4 else 0)
        if step < 4:
            time.sleep(1.05)
    same({f'T{i}': 4 for i in range(4)}, b.counts(), 'calls')
    b.use(definition)
    b.run('--name', 'undisturbed', '--input', '{"n":1}', '--wait', '--clock', 'virtual', env={'ASLC_STORE': 'sqlite:other.db'})
    one = json.loads(b.run('history', 'undisturbed', '--store', 'sqlite:other.db').stdout)['events']
    for turn in range(4):
        clean = lambda events: json.loads(json.dumps(undated(events)).replace('undisturbed', 'n').replace(f'n{turn}', 'n'))
        same(clean(one), clean(b.events(f'n{turn}')), f'history of n{turn}')


def virtual_time_goes_on_where_it_was(b):
    b.use(chain(('A', TASK_STATE), ('W', dict(WAIT_STATE, Seconds=86400)), ('B', TASK_STATE), ('W2', dict(WAIT_STATE, Seconds=86400))))
    b.killed('--name', 'n', '--input', '{}', '--clock', 'virtual', at='B')
    b.run('resume', 'n', '--clock', 'virtual')
    events = b.events('n')
    days = (events[-1]['timestamp'] - events[0]['timestamp']) / 86400
    same(2.0, round(days, 3), 'days')


# ---------------------------------------------------------------- stores

def where_the_store_is(b):
    b.use(THREE, 'shop')
    none = {'ASLC_STORE': ''}
    b.run('--input', '{}', '--name', 'n', env=none)
    same([], [f for f in os.listdir(b.folder) if f.endswith('.db')], 'no store, no journal')
    b.run('--input', '{}', '--type', 'standard', env=none)
    same([], [f for f in os.listdir(b.folder) if f.endswith('.db')], 'no name, no journal')
    b.run('--input', '{}', '--name', 'n', '--type', 'standard', env=none)
    need(os.path.exists(b.path('shop.db')), 'shop.db')
    same('n', json.loads(b.run('describe', 'n', env=none).stdout)['name'], 'commands look there')
    b.run('--input', '{}', '--name', 'm', '--store', 'sqlite:own.db', env={'ASLC_STORE': 'sqlite:j.db'})
    need(os.path.exists(b.path('own.db')) and not os.path.exists(b.path('j.db')), '--store comes before ASLC_STORE')
    b.run('--input', '{}', '--store=sqlite:own.db') # no name: one is made
    need(len(json.loads(b.run('list', '--store=sqlite:own.db', '--format=json').stdout)['executions']) == 2, 'two')
    b.run('--input', '{}', '--store', 'mysql://x', status=2, says='store mysql://x: neither sqlite:FILE nor postgres://USER@HOST/DATABASE')
    b.run('--input', '{}', '--store', 'sqlite:', status=2, says="the file's name is missing")
    same({'A': 5, 'B': 5, 'C': 5}, b.counts(), 'calls')


def express_is_not_journalled(b):
    b.use(THREE)
    b.run('--input', '{}', '--type', 'express', '--store', 'sqlite:x.db', status=2,
          says='an Express execution is not journalled: --store is for --type standard')
    same('{}\n', b.run('--input', '{}', '--type', 'express').stdout, 'ASLC_STORE is not about it')
    b.use(THREE, 'order', '--type', 'express')
    b.counts()
    b.run('--input', '{}', '--store', 'sqlite:x.db', status=2, says='an Express execution is not journalled: --store is for --type standard')
    same({}, b.counts(), 'nothing has run')
    same('{}\n', b.run('--input', '{}', '--name', 'n').stdout, 'ASLC_STORE is not about it')
    same([], [f for f in os.listdir(b.folder) if f.endswith('.db')], 'no store')
    b.run('--input', '{}', '--name', 'n', '--type', 'standard', '--store', 'sqlite:x.db') # as a Standard one it is


def unprivileged():
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def stores_that_cannot_be(b):
    b.use(THREE)
    run = lambda *a, **o: b.run('--name', 'n', '--input', '{}', '--store', *a, status=2, **o)
    run('sqlite:no/such/j.db', says='order: store no/such/j.db: there is no directory no/such')
    run('sqlite:.', says='store .: this is a directory')
    os.mkdir(b.path('shut'))
    os.chmod(b.path('shut'), 0o555)
    run('sqlite:shut/j.db', says='store shut/j.db: .*(Permission denied|read-only)', preexec_fn=unprivileged)
    b.write('calls')
    os.chmod(b.path('calls'), 0o666)
    b.run('--name', 'n', '--input', '{}', '--store', 'sqlite:j.db')
    b.counts()
    os.chmod(b.path('j.db'), 0o444)
    run('sqlite:j.db', says='store j.db: the (file|directory .*) is read-only', preexec_fn=unprivileged)
    os.chmod(b.path('j.db'), 0o644)
    b.write('text.db', 'this is no database, it is a text of some length, as one may give by mistake\n' * 50)
    run('sqlite:text.db', says='store text.db: not an SQLite database; nothing was written')
    need(b.text('text.db').startswith('this is no database'), 'nothing was written')
    sql(b.path('foreign.db'), 'create table mine(x)')
    run('sqlite:foreign.db', says='store foreign.db: an SQLite database, but not a journal: name another file')
    b.run('list', '--store', 'sqlite:missing.db', status=2, says='store missing.db: there is no such file')
    need(not os.path.exists(b.path('missing.db')), 'looking makes no file')
    same({}, b.counts(), 'nothing has run')


def disk_that_is_full(b):
    """What cannot be written has not happened: the process gives up, and the next one goes on."""
    states = [(f'S{i}', TASK_STATE) for i in range(6)]
    b.use(chain(*states))
    text = json.dumps({'x': [os.urandom(3).hex() for _ in range(2500)]})
    b.write('in', text)

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (140000, 140000))
    p = b.run('--name', 'n', '--input', 'in', status=75, preexec_fn=small, restore_signals=False,
              says='order: the journal cannot be written: store j.db: (the disk is full|reading or writing failed)')
    same('', p.stdout, 'no output')
    before = len(b.calls())
    need(before < 6, 'it has not got to the end')
    same(json.loads(text), json.loads(b.run('--name', 'n', '--input', 'in').stdout), 'with room it goes on')
    counts = b.counts()
    need(set(counts) == {n for n, _ in states} and 6 <= sum(counts.values()) <= 7, counts)
    b.events('n')


def disk_that_is_really_full(b):
    os.mkdir(b.path('disk'))
    if os.getuid() != 0 or harness.run(['mount', '-t', 'tmpfs', '-o', 'size=400k', 'none', b.path('disk')]).returncode != 0:
        raise harness.Skip('no file system can be mounted here')
    try:
        b.use(THREE)
        b.store = 'sqlite:disk/j.db'
        b.write('in', '{}')
        b.killed('--name', 'first', '--input', '{}', at='C')
        with open(b.path('disk/ballast'), 'wb', buffering=0) as f:
            try:
                while True:
                    f.write(b'x' * 4096)
            except OSError:
                pass
        b.counts()
        p = harness.run([b.program, '--name', 'first'], cwd=b.folder, env=b.environment())
        need(p.returncode in (2, 75) and 'store disk/j.db: the disk is full' in p.stderr, f'{p.returncode} {p.stderr}')
        b.remove('disk/ballast')
        same('{}\n', b.run('--name', 'first').stdout, 'with room it goes on')
    finally:
        harness.run(['umount', b.path('disk')])


def files_that_are_torn(b):
    b.use(THREE)
    b.killed('--name', 'n', '--input', '{"a":1}', at='C')
    same(2, len([f for f in os.listdir(b.folder) if f in ('j.db', 'j.db-wal')]), 'a file and its log')
    for name in ('j.db', 'j.db-wal'):
        shutil.copy(b.path(name), b.path(name + '.good'))
    # The last part of the log was not written: SQLite goes back to the transaction before it
    size = os.path.getsize(b.path('j.db-wal'))
    os.truncate(b.path('j.db-wal'), size - 100)
    b.counts()
    same('{"a":1}\n', b.run('--name', 'n').stdout, 'output')
    counts = b.counts()
    need(counts['C'] == 1 and counts.get('B', 0) <= 1 and 'A' not in counts, counts)
    # Bytes in the middle are not what was written
    b.run('--name', 'filler', '--input', json.dumps({'x': 'y' * 400}))
    sql(b.path('j.db'), 'pragma wal_checkpoint(truncate)')
    with open(b.path('j.db'), 'r+b') as f:
        size = os.path.getsize(b.path('j.db'))
        f.seek(4096)
        f.write(b'\xa5' * (size - 8192))
    for command in (['list'], ['--name', 'n'], ['--name', 'new', '--input', '{}'], ['resume']):
        p = harness.run([b.program, *command], cwd=b.folder, env=b.environment())
        need(p.returncode in (2, 75) and 'store j.db: ' in p.stderr and 'damaged' in p.stderr, f'{command}: {p.returncode} {p.stderr}')
    # Cut short
    os.truncate(b.path('j.db'), 5000)
    p = b.run('list', status=2, says='store j.db: .*(damaged|not an SQLite database)')


def journals_that_lack_something(b):
    """Rows that are gone or changed by hand are told; nobody crashes."""
    b.use(THREE)
    text = json.dumps({'x': 'y' * 1000})
    b.write('in', text)
    b.killed('--name', 'n', '--input', 'in', at='C')
    shutil.copy(b.path('j.db'), b.path('good.db'))
    shutil.copy(b.path('j.db-wal'), b.path('good.db-wal'))
    cases = {
        'delete from payload': 'the journal lacks the input of execution "n"',
        'delete from frame': 'the journal has nothing of execution "n" to go on with',
        "update frame set record = '{'": 'the journal of execution "n" is damaged at "/"',
        "update frame set record = '[]'": 'damaged|definition has changed|nothing',
        "update frame set path = '/x', record = replace(record, '{\"machine\"', '{\"up\":\"/gone\",\"machine\"')": 'damaged: nothing holds "/x"',
    }
    for statement, says in cases.items():
        for name in ('j.db', 'j.db-wal'):
            shutil.copy(b.path(name.replace('j.db', 'good.db')), b.path(name))
        sql(b.path('j.db'), statement)
        b.counts()
        b.run('resume', 'n', status=2, says=says)
        same({}, b.counts(), 'nothing has run')
        b.run('list')


def large_payloads_are_kept_once(b):
    b.use(THREE)
    value = {'x': [os.urandom(8).hex() for _ in range(11000)]}
    text = json.dumps(value, separators=(',', ':'))
    need(200000 < len(text) < 220000, len(text))
    b.write('in', (text + '\n') * 50)
    b.write('task', '#!/bin/sh\nexec cat\n')
    out = b.run('--each', '--name', 'j', '--input', 'in').stdout
    need(out == (text + '\n') * 50, 'output')
    sql(b.path('j.db'), 'pragma wal_checkpoint(truncate)')
    size = os.path.getsize(b.path('j.db'))
    need(size < 1500000, f'{size} bytes for 50 executions with the same {len(text)} bytes')
    events = b.events('j-50')
    same(value, json.loads(events[0]['executionStartedEventDetails']['input']), 'the input of the last')
    same(value, json.loads(events[-1]['executionSucceededEventDetails']['output']), 'its output')


# ---------------------------------------------------------------- PostgreSQL

POSTGRES = [fresh_then_finished, killed_then_resumed, killed_in_parallel_and_map, listing, following, resuming_all, redriving_a_task,
            redriving_a_map_one_by_one, stopping, collecting, approval_across_processes, tokens_are_answered_once,
            heartbeats_while_nobody_is_there, each_with_names, each_killed_then_resumed, two_processes, two_processes_at_once]


def postgres_that_restarts(b):
    b.use(THREE)
    for how in (signal.SIGINT, signal.SIGQUIT):
        name = f'n{int(how)}'
        b.write('hold-B')
        p = b.start('--name', name, '--input', '{"a":1}')
        b.called('B')
        b.server.stop(how)
        b.remove('hold-B')
        time.sleep(0.5)
        b.server.start()
        same(('{"a":1}\n', ''), b.end(p, 0), 'output')
        same({'A': 1, 'B': 1, 'C': 1}, b.counts(), 'calls')
        b.events(name)


def postgres_that_is_away(b):
    b.use(THREE)
    b.run('list', '--store', 'postgres://postgres@/nothing?host=' + b.server.folder, status=2, says='database "nothing" does not exist')
    b.run('--name', 'n', '--input', '{}', '--store', 'postgres://postgres@/j?host=/no/such/folder', status=2, says='store: cannot connect to PostgreSQL: ')
    b.run('--name', 'n', '--input', '{}', '--store', b.server.database() + '&nonsense=1', status=2, says='store: cannot connect to PostgreSQL: ')
    b.run('list', '--store', b.server.database(), status=2, says='there is no journal in this PostgreSQL database')
    same({}, b.counts(), 'nothing has run')


TESTS = [fresh_then_finished, fresh_then_failed, described_alike_live_and_stored, killed_then_resumed, killed_in_parallel_and_map,
         killed_between_attempts, results_of_an_attempt_that_is_over, input_comes_from_the_journal, listing, describing, histories, following, resuming_all,
         resuming_all_but_one, redriving_a_task, redrive_in_the_context_object, redriving_what_runs, redriving_a_parallel, redriving_a_map,
         redriving_a_map_one_by_one, redriving_nested, distributed_maps, redriving_what_was_left_by_a_catcher, redriving_fail_and_choice,
         redriving_an_aborted_and_a_timed_out_one, redrive_that_is_killed, stopping, stopping_without_its_tasks, stopping_what_is_suspended, names_of_their_own, collecting,
         approval_across_processes, tokens_are_answered_once, answers_before_the_handler_is_done, answers_reach_a_process_that_waits, waiting_with_heartbeats,
         heartbeat_that_runs_out, heartbeats_while_nobody_is_there, timeout_ends_it_whatever_the_heartbeats, suspending_after,
         waits_that_are_over_by_then, no_suspending_while_a_task_is_at_work, signals_suspend, each_in_order, each_with_names,
         each_described, each_killed_then_resumed, each_suspends, two_processes, two_processes_at_once,
         one_that_was_paused_too_long, definitions_that_change, variables_that_are_gone, states_that_become_something_else,
         engines_share_a_journal, virtual_time_goes_on_where_it_was, where_the_store_is, express_is_not_journalled,
         stores_that_cannot_be, disk_that_is_full, disk_that_is_really_full, files_that_are_torn, journals_that_lack_something,
         large_payloads_are_kept_once]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--match', default='')
    parser.add_argument('--sanitized', action='store_true', help='aslc is slower than usual')
    parser.add_argument('--jobs', type=int, default=4, help='most tests wait')
    parser.add_argument('-v', '--verbose', action='store_true')
    options = parser.parse_args()
    programs = Programs(os.path.abspath(options.aslc))
    server = why = None
    cases = [(t.__name__.replace('_', '-'), (t, False)) for t in TESTS]
    cases += [('postgres-' + t.__name__.replace('_', '-'), (t, True)) for t in POSTGRES]
    # these restart the server that the others use
    late = [(t.__name__.replace('_', '-'), (t, True)) for t in (postgres_that_is_away, postgres_that_restarts)]
    matching = lambda named: [n for n in named if options.match in n[0]]
    if any(case[1][1] for case in matching(cases + late)):
        try:
            server = journal_postgres.Server()
        except harness.Skip as skip:
            why = str(skip)

    def work(case):
        test, on_server = case
        if on_server and not server:
            raise harness.Skip(why + ', so nothing was tested with PostgreSQL')
        started = time.monotonic()
        bench = Bench(programs, options, server.database() if on_server else None)
        bench.server = server
        try:
            test(bench)
        except Problem as problem:
            return str(problem) + '\n    ' + '\n    '.join(line.strip() for line in traceback.format_exc().splitlines()
                                                            if ', in ' in line and 'need' not in line)
        except harness.Skip:
            raise
        except Exception: # as good as a Problem
            return traceback.format_exc()
        finally:
            bench.close()
            if options.verbose:
                print(f'{time.monotonic() - started:5.1f} s', end=' ')
        return None
    try:
        status = harness.report(matching(cases), work, options.jobs, options.verbose, quiet_when_empty=True)
        if matching(late):
            status = max(status, harness.report(matching(late), work, 1, options.verbose), key=lambda s: (s == 1, s == 0))
        return status
    finally:
        if server:
            server.close()
        shutil.rmtree(programs.folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
