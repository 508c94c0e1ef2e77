#!/usr/bin/env python3
"""Logs, traces and metrics (runtime/sinks) against receivers of our own: a fake X-Ray daemon, an OTLP collector, UNIX sockets
and pipes, which work, or are down, slow or full.

    sinks.py --aslc build/compiler/aslc [--match TEXT] [--collector otelcol] [--sanitized]

Spans are checked against OTLP's own schema when Python has it (package opentelemetry-proto), and sent to a real collector
when --collector, $OTELCOL or otelcol on the PATH is one (sinks-collector.sh builds one where there is Go); otherwise what
is not compared is said.
"""
import argparse
import base64
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

ARN = 'arn:aws:states:us-east-1:123456789012:'

ORDER = {
    'StartAt': 'Prepare', 'States': {
        'Prepare': {'Type': 'Pass', 'Result': {'password': 'geheim', 'items': [1, 2, 3]}, 'Next': 'Fulfil'},
        'Fulfil': {'Type': 'Map', 'ItemsPath': '$.items', 'Next': 'Risky', 'ItemProcessor': {
            'StartAt': 'Charge', 'States': {
                'Charge': {'Type': 'Task', 'Resource': 'arn:aws:states:::lambda:invoke', 'Next': 'Both',
                           'Parameters': {'FunctionName': 'charge', 'Payload.$': '$'},
                           'Retry': [{'ErrorEquals': ['Flaky'], 'IntervalSeconds': 1}]},
                'Both': {'Type': 'Parallel', 'End': True, 'Branches': [
                    {'StartAt': 'L', 'States': {'L': {'Type': 'Pass', 'End': True}}},
                    {'StartAt': 'R', 'States': {'R': {'Type': 'Wait', 'Seconds': 2, 'End': True}}}]}}}},
        'Risky': {'Type': 'Task', 'Resource': 'arn:aws:lambda:us-east-1:123456789012:function:risky', 'End': True,
                  'Catch': [{'ErrorEquals': ['States.ALL'], 'Next': 'Done'}]},
        'Done': {'Type': 'Succeed'}}}
ORDER_MOCK = {
    'StateMachines': {'order': {'TestCases': {'T': {'Charge': 'charge', 'Risky': 'risky'}}}},
    'MockedResponses': {
        'charge': {'0': {'Throw': {'Error': 'Flaky', 'Cause': '{"password":"geheim","why":"x"}'}},
                   '1-9': {'Return': {'ok': True}}},
        'risky': {'0': {'Throw': {'Error': 'Boom', 'Cause': 'no, {"password": "geheim"}, really'}}}}}
# The spans of ORDER: (name, parent's name), sorted; execution, states, attempts.
ORDER_SPANS = sorted([('order', None), ('Prepare', 'order'), ('Fulfil', 'order'), ('Risky', 'order'), ('Done', 'order'),
                      ('arn:aws:lambda:us-east-1:123456789012:function:risky', 'Risky')] +
                     [('Charge', 'Fulfil'), ('Both', 'Fulfil'), ('L', 'Both'), ('R', 'Both'), ('lambda:invoke', 'Charge')] * 3 +
                     [('lambda:invoke', 'Charge')], key=str)
FAILS = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Next': 'B'},
                                    'B': {'Type': 'Fail', 'Error': 'Bad', 'Cause': 'so it is'}}}
BAD_PATH = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'InputPath': '$.nothing', 'End': True}}}
# Many events, quickly: 4 for each item and 6 more.
def many(items):
    return {'StartAt': 'M', 'States': {'M': {'Type': 'Map', 'End': True, 'ItemsPath': '$', 'ItemProcessor': {
        'StartAt': 'P', 'States': {'P': {'Type': 'Pass', 'End': True}}}}}}, json.dumps(list(range(items)))
SLEEPER = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Next': 'W'},
                                      'W': {'Type': 'Wait', 'Seconds': 1, 'Next': 'B'}, 'B': {'Type': 'Pass', 'End': True}}}


class Problem(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Problem(text)


class Bench:
    """A scratch folder with definitions in it, and how they are run."""

    def __init__(self, aslc, options):
        self.aslc, self.options = aslc, options
        self.folder = tempfile.mkdtemp(prefix='aslc-sinks-')

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, value):
        with open(self.path(name), 'w', encoding='utf-8') as f:
            f.write(value if isinstance(value, str) else json.dumps(value))
        return self.path(name)

    def lines(self, name):
        with open(self.path(name), encoding='utf-8') as f:
            return [json.loads(line) for line in f]

    def command(self, definition, *arguments):
        name = self.write('order.asl.json', definition)
        return [self.aslc, 'run', name, '--input', '{}', '--name', 'n', *arguments]

    def environment(self, extra=None):
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith(('OTEL_', 'AWS_', '_X_AMZN', 'TRACEPARENT', 'http_proxy', 'https_proxy'))}
        return dict(clean, **(extra or {}))

    def run(self, definition, *arguments, env=None, status=0, **options):
        p = harness.run(self.command(definition, *arguments), cwd=self.folder, env=self.environment(env), **options)
        need(p.returncode == status, f'exit status {p.returncode}, not {status}: {harness.short(p.stderr)}')
        return p

    def order(self, *arguments, **options):
        return self.run(ORDER, '--mock', self.write('mock.json', ORDER_MOCK) + '#T', '--clock', 'virtual', *arguments, **options)

    def order_input(self, text, *arguments, **options):
        definition, status = options.pop('definition'), options.pop('status', 0)
        p = harness.run([self.aslc, 'run', self.write('order.asl.json', definition), '--name', 'n', '--input',
                         self.write('input.json', text), *arguments], cwd=self.folder, env=self.environment(options.pop('env', None)),
                        **options)
        need(p.returncode == status, f'exit status {p.returncode}, not {status}: {harness.short(p.stderr)}')
        return p


# ---------------------------------------------------------------- logs

def log_lines_are_the_services(b):
    b.order('--log-level', 'ALL', '--log-data', '--log', 'log')
    lines = b.lines('log')
    history = b.path('history')
    b.order('--history', history)
    with open(history, encoding='utf-8') as f:
        events = json.load(f)['events']
    need(len(lines) == len(events), f'{len(lines)} lines for {len(events)} events')
    for line, event in zip(lines, events):
        need(list(line) == ['id', 'type', 'details', 'previous_event_id', 'event_timestamp', 'execution_arn', 'redrive_count'],
             f'keys are {list(line)}')
        details = next((v for k, v in event.items() if k.endswith('EventDetails')), {})
        want = {'id': str(event['id']), 'type': event['type'], 'details': details,
                'previous_event_id': str(event['previousEventId']),
                'event_timestamp': str(round(event['timestamp'] * 1000)), 'execution_arn': ARN + 'execution:order:n',
                'redrive_count': '0'}
        need(line == want, f'want {want}\ngot {line}')


def log_levels(b):
    def types(definition, level, status=0):
        b.run(definition, '--log-level', level, '--log', 'log', status=status)
        seen = [x['type'] for x in b.lines('log')]
        os.remove(b.path('log'))
        return seen
    need(types(FAILS, 'ERROR', 1) == ['FailStateEntered', 'ExecutionFailed'], 'ERROR')
    need(types(FAILS, 'FATAL', 1) == ['ExecutionFailed'], 'FATAL')
    need(types(FAILS, 'OFF', 1) == [], 'OFF')
    need(types(SLEEPER, 'ERROR') == [], 'ERROR of what succeeds')
    b.run(FAILS, '--log-level', 'ALL', '--log', 'no-data', status=1)
    for line in b.lines('no-data'):
        need('input' not in line['details'] and 'outputDetails' not in line['details'], f'data in {line}')
    need(b.lines('no-data')[-1]['details'] == {'error': 'Bad', 'cause': 'so it is'}, 'error and cause stay')
    p = b.run(FAILS, '--log-level', 'LOUD', status=2)
    need('ALL, ERROR, FATAL or OFF' in p.stderr, p.stderr)


def log_appends(b):
    b.run(SLEEPER, '--clock', 'virtual', '--log-level', 'ALL', '--log', 'log')
    first = len(b.lines('log'))
    b.run(SLEEPER, '--clock', 'virtual', '--log-level', 'ALL', '--log', 'log')
    need(len(b.lines('log')) == 2 * first, 'appended')
    p = b.run(SLEEPER, '--log-level', 'ALL', '--log', 'no/such/folder', status=2)
    need('cannot write to no/such/folder: No such file' in p.stderr, p.stderr)


def log_redacts(b):
    b.order('--log-level', 'ALL', '--log-data', '--log-redact', 'nothing, password', '--log', 'log')
    text = open(b.path('log'), encoding='utf-8').read()
    need('geheim' not in text, 'the value is there')
    lines = [json.loads(x) for x in text.splitlines()]
    outputs = [x['details'] for x in lines if x['type'] == 'PassStateExited']
    need(json.loads(outputs[0]['output']) == {'password': '***', 'items': [1, 2, 3]}, outputs[0])
    causes = [x['details']['cause'] for x in lines if 'cause' in x['details']]
    need(causes == ['{"password":"***","why":"x"}', 'no, {"password": "***"}, really'], causes)
    definition = {'StartAt': 'A', 'States': {'A': {
        'Type': 'Pass', 'End': True, 'Assign': {'password': 'geheim', 'deep': {'list': [{'password': 'geheim', 'n': 7}]}},
        'Parameters': {'text': '{"password": ["geheim", {"a": "geheim"}], "rest": 1}', 'key': 'password'}}}}
    b.run(definition, '--log-level', 'ALL', '--log-data', '--log-redact', 'password', '--log', 'deep')
    exited = [x['details'] for x in b.lines('deep') if x['type'] == 'PassStateExited'][0]
    need(exited['assignedVariables'] == {'password': '"***"', 'deep': '{"list":[{"password":"***","n":7}]}'}, exited)
    need(json.loads(exited['output']) == {'text': '{"password":"***","rest":1}', 'key': 'password'}, exited)


def log_lines_fit(b):
    """Standard error is a pipe here: 16 KiB a line, and JSON all the same."""
    value = {'s': 'ä"\\\n' * 30000, 'more': ['x' * 10] * 100}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps('\U0001f600' * 20000)):
        definition = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'End': True, 'Assign': {'v.$': '$', 'w': 1}}}}
        p = b.order_input(text, '--log-level', 'ALL', '--log-data', definition=definition)
        lines = p.stderr.splitlines()
        need(len(lines) == 4, f'{len(lines)} lines')
        for line in lines:
            size = len(line.encode()) + 1
            need(16000 < size <= 16384, f'a line has {size} bytes')
            details = json.loads(line)['details']
            need(any(v == {'truncated': True} for v in details.values()), harness.short(details))
        exited = json.loads(lines[2])['details']
        need(exited['assignedVariables']['w'] == '1' and exited['assignedVariablesDetails'] == {'truncated': True}, 'variables')
        b.order_input(text, '--log-level', 'ALL', '--log-data', '--log', 'long', definition=definition)
        for line in b.lines('long'):
            escaped = json.dumps(line['details'].get('output', ''), ensure_ascii=False).encode()
            need(len(escaped) <= 248 * 1024 + 2, f'an output of {len(escaped)} bytes')
    b.order_input(json.dumps('x' * 300000), '--log-level', 'ALL', '--log-data', '--log', 'cut', definition=definition)
    started = b.lines('cut')[0]['details']
    need(len(started['input']) > 250000 and started['inputDetails'] == {'truncated': True}, 'cut at 248 KiB')
    os.remove(b.path('cut'))
    b.order_input(json.dumps('x' * 200000), '--log-level', 'ALL', '--log-data', '--log', 'cut', definition=definition)
    need(b.lines('cut')[0]['details']['inputDetails'] == {'truncated': False}, 'not cut below it')


def log_pipe_that_nobody_reads(b):
    """A full pipe stalls nothing; what it took is whole lines; the rest is counted where a file can be written."""
    definition, text = many(12000)
    b.write('input.json', text)
    command = [b.aslc, 'run', b.write('order.asl.json', definition), '--name', 'n', '--input', b.path('input.json'),
               '--log-level', 'ALL', '--log-data', '--metrics', 'prometheus:' + b.path('m')]
    started = time.monotonic()
    p = subprocess.Popen(command, cwd=b.folder, env=b.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = p.stdout.read() # and nothing from standard error
    p.wait(timeout=60)
    took = time.monotonic() - started
    need(p.returncode == 0 and json.loads(out) == list(range(12000)), 'the result')
    err = p.stderr.read().decode()
    lines = err.split('\n')
    need(len(lines) > 100, 'the pipe took some lines')
    need(re.fullmatch(r'\d+ log lines dropped', lines[-2]) and lines[-1] == '', 'what was dropped is said')
    for line in lines[:-2]:
        json.loads(line)
    metrics = open(b.path('m'), encoding='utf-8').read()
    dropped = int(re.search(r'^aslc_log_lines_dropped_total (\d+)$', metrics, re.M).group(1))
    total = int(re.search(r'^aslc_log_lines_total (\d+)$', metrics, re.M).group(1))
    need(total == 4 * 12000 + 6 and dropped >= total - len(lines), f'{dropped} of {total} dropped, {len(lines)} read')
    need(took < (30 if b.options.sanitized else 10), f'it took {took:.1f} s')


def log_leaves_room_for_others(b):
    """Who else writes to the same pipe, such as the line about the failure, is not held up by our lines."""
    definition, text = many(3000)
    definition['States']['M'].update({'Next': 'F'})
    del definition['States']['M']['End']
    definition['States']['F'] = {'Type': 'Fail', 'Error': 'E' * 200, 'Cause': 'C' * 3000}
    b.write('input.json', text)
    p = subprocess.Popen([b.aslc, 'run', b.write('order.asl.json', definition), '--input', b.path('input.json'), '--log-level', 'ALL'],
                         cwd=b.folder, env=b.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        p.wait(timeout=60)
    except subprocess.TimeoutExpired:
        p.kill()
        raise Problem('it waits for a reader')
    need(p.returncode == 1 and b'order: FAILED EEE' in p.stderr.read(), 'the failure is said')


class Listener(threading.Thread):
    """A UNIX socket that takes lines."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(4)
        self.text = b''
        self.start()

    def run(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            while True:
                data = connection.recv(65536)
                if not data:
                    break
                self.text += data


def log_to_a_socket(b):
    listener = Listener(b.path('s'))
    b.order('--log-level', 'ALL', '--log', 'unix:' + b.path('s'))
    time.sleep(0.2)
    lines = listener.text.decode().splitlines()
    need(len(lines) == 63 and all(json.loads(x)['execution_arn'] == ARN + 'execution:order:n' for x in lines),
         f'{len(lines)} lines')


def log_socket_that_is_late(b):
    """Nobody listens when it starts: what is queued by then is sent."""
    p = subprocess.Popen(b.command(SLEEPER, '--log-level', 'ALL', '--log', 'unix:' + b.path('late')), cwd=b.folder,
                         env=b.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.5)
    listener = Listener(b.path('late'))
    out, err = p.communicate(timeout=30)
    time.sleep(0.2)
    need(p.returncode == 0 and not err and out.strip() == b'{}', err)
    need(len(listener.text.splitlines()) == 8, f'{len(listener.text.splitlines())} lines')


def log_socket_that_is_gone(b):
    p = b.order('--log-level', 'ALL', '--log', 'unix:' + b.path('nobody'))
    need(p.stderr == '63 log lines dropped\n', p.stderr)
    full = socket.socket(socket.AF_UNIX)
    full.bind(b.path('full'))
    full.listen(1)
    definition, text = many(12000)
    started = time.monotonic()
    p = b.order_input(text, '--log-level', 'ALL', '--log', 'unix:' + b.path('full'), definition=definition)
    need(re.fullmatch(r'\d+ log lines dropped\n', p.stderr), p.stderr)
    need(time.monotonic() - started < (30 if b.options.sanitized else 10), 'it took too long')
    p = b.run(SLEEPER, '--log-level', 'ALL', '--log', 'unix:' + 'x' * 200, status=2)
    need("a socket's path has" in p.stderr, p.stderr)


# ---------------------------------------------------------------- X-Ray

class Daemon(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.socket.getsockname()[1]
        self.datagrams = []
        self.start()

    def run(self):
        while True:
            self.datagrams.append(self.socket.recv(65536))

    def documents(self):
        last = -1
        while last != len(self.datagrams):
            last = len(self.datagrams)
            time.sleep(0.1)
        documents = []
        for d in self.datagrams:
            need(len(d) <= 64000, f'a datagram of {len(d)} bytes')
            head, body = d.split(b'\n', 1)
            need(json.loads(head) == {'format': 'json', 'version': 1}, head)
            documents.append(json.loads(body))
        return documents


SEGMENT_FIELDS = {'name', 'id', 'trace_id', 'start_time', 'end_time', 'in_progress', 'parent_id', 'type', 'http', 'aws', 'error',
                  'throttle', 'fault', 'cause', 'annotations', 'metadata', 'subsegments', 'namespace', 'precursor_ids', 'origin',
                  'service', 'user'}


def check_segment(d, top):
    """A document against execution-history 5; a list of itself and everything in it, each with its parent's id."""
    need(set(d) <= SEGMENT_FIELDS, f'fields {set(d) - SEGMENT_FIELDS}')
    need(re.fullmatch(r'[\w\s.:/%&#=+\\\-@]{1,200}', d['name']), f'name {d["name"]}')
    need(re.fullmatch('[0-9a-f]{16}', d['id']), 'id')
    need(isinstance(d['start_time'], float), 'start_time')
    if d.get('in_progress'):
        need('end_time' not in d, 'in progress and ended')
    else:
        need(isinstance(d['end_time'], float) and d['end_time'] >= d['start_time'], 'end_time')
    if top:
        need(re.fullmatch('1-[0-9a-f]{8}-[0-9a-f]{24}', d['trace_id']), 'trace_id')
        need(d.get('type', 'subsegment') == 'subsegment' and ('type' not in d or 'parent_id' in d), 'type')
    for flag in ('error', 'throttle', 'fault'):
        need(d.get(flag, True) is True, flag)
    for e in d.get('cause', {}).get('exceptions', []):
        need(re.fullmatch('[0-9a-f]{16}', e['id']), 'exception')
    need(d.get('namespace', 'aws') in ('aws', 'remote'), 'namespace')
    for k in d.get('annotations', {}):
        need(re.fullmatch(r'\w+', k), 'annotation')
    all_of_it = [(d, d.get('parent_id'))]
    for inner in d.get('subsegments', []):
        all_of_it += [(s, p or d['id']) for s, p in check_segment(inner, False)]
    return all_of_it


def xray_documents(b):
    daemon = Daemon()
    b.order('--trace', 'xray:' + daemon.address, '--log-redact', 'password')
    documents = daemon.documents()
    traces = {d['trace_id'] for d in documents}
    need(len(traces) == 1 and int(traces.pop()[2:10], 16) == 1767225600, 'one trace, of the time of its start')
    everything = [x for d in documents for x in check_segment(d, True)]
    done = {d['id']: (d, p) for d, p in everything if not d.get('in_progress')}
    root = [d for d, p in done.values() if p is None]
    need(len(root) == 1 and root[0]['name'] == 'order' and root[0]['origin'] == 'AWS::StepFunctions::StateMachine', 'the segment')
    need(root[0]['end_time'] - root[0]['start_time'] == 3.0, 'times are the clock\'s')
    tree = sorted((d['name'], done[p][0]['name'] if p else None) for d, p in done.values() if p)
    want = sorted([('Prepare', 'order'), ('Fulfil', 'order'), ('Risky', 'order'), ('Done', 'order'), ('lambda', 'Risky')] +
                  [(f'Iteration {i}', 'Fulfil') for i in range(3)] + [('lambda', 'Charge')] * 4 +
                  [('Charge', f'Iteration {i}') for i in range(3)] + [('Both', f'Iteration {i}') for i in range(3)] +
                  [('Branch 0', 'Both'), ('Branch 1', 'Both'), ('L', 'Branch 0'), ('R', 'Branch 1')] * 3)
    need(tree == want, f'want {want}\ngot {tree}')
    bad = sorted((d['name'], d['cause']['exceptions'][0]['type'], d['cause']['exceptions'][0]['message'])
                 for d, p in done.values() if d.get('fault'))
    boom = 'no, {"password": "***"}, really'
    need(bad == [('Risky', 'Boom', boom), ('lambda', 'Boom', boom), ('lambda', 'Flaky', '{"password":"***","why":"x"}')], bad)
    risky = [d for d, p in done.values() if d['name'] == 'Risky'][0]
    need(risky['annotations'] == {'state_type': 'Task', 'caught': True}, risky)
    attempts = sorted(d['annotations']['attempt'] for d, p in done.values() if d['name'] == 'lambda')
    need(attempts == [0, 0, 0, 0, 1], attempts)
    ids = [d['id'] for d, p in everything if not d.get('in_progress')]
    need(len(ids) == len(set(ids)), 'ids are unique')


def xray_failures(b):
    daemon = Daemon()
    b.run(FAILS, '--trace', 'xray:' + daemon.address, status=1)
    done = [d for top in daemon.documents() for d, p in check_segment(top, True)]
    for name in ('order', 'B'):
        d = [d for d in done if d['name'] == name and 'end_time' in d][0]
        need(d.get('fault') and d['cause']['exceptions'][0]['type'] == 'Bad', d)
    need(not [d for d in done if d['name'] == 'A'][0].get('fault'), 'A was well')
    daemon = Daemon()
    b.run(BAD_PATH, '--trace', 'xray', env={'AWS_XRAY_DAEMON_ADDRESS': 'tcp:127.0.0.1:9 udp:' + daemon.address}, status=1)
    done = [d for top in daemon.documents() for d, p in check_segment(top, True)]
    need([d for d in done if d['name'] == 'A'][0]['cause']['exceptions'][0]['type'] == 'States.Runtime', 'a bad path')


def xray_large(b):
    """Ten thousand subsegments are all there, in documents of at most 64 kB that know their parents."""
    daemon = Daemon()
    items = 500 if b.options.sanitized else 5000
    definition, text = many(items)
    p = b.order_input(text, '--trace', 'xray:' + daemon.address, definition=definition)
    done = {d['id']: (d, parent) for top in daemon.documents() for d, parent in check_segment(top, True)
            if not d.get('in_progress')}
    lost = 2 * items + 2 - len(done)
    need(lost == 0 or (lost < items / 10 and 'dropped' in p.stderr), f'{lost} are missing')
    need(lost or all(parent is None or parent in done for d, parent in done.values()), 'parents')


def traces_continue(b):
    header = {'_X_AMZN_TRACE_ID': 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'}
    daemon = Daemon()
    b.run(FAILS, '--trace', 'xray:' + daemon.address, env=header, status=1)
    d = daemon.documents()[-1]
    need(d['trace_id'] == '1-5759e988-bd862e3fe1be46a994272793' and d['parent_id'] == '53995c3f42cd8ad8', d)
    daemon = Daemon()
    b.run(FAILS, '--trace', 'xray:' + daemon.address, status=1,
          env={'TRACEPARENT': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'})
    d = daemon.documents()[-1]
    need(d['trace_id'] == '1-0af76519-16cd43dd8448eb211c80319c' and d['parent_id'] == 'b7ad6b7169203331', d)
    for unsampled in ({'_X_AMZN_TRACE_ID': header['_X_AMZN_TRACE_ID'].replace('Sampled=1', 'Sampled=0')},
                      {'TRACEPARENT': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'}):
        daemon = Daemon()
        b.run(FAILS, '--trace', 'xray:' + daemon.address, env=unsampled, status=1)
        need(daemon.documents() == [], 'what is not sampled is not sent')
    for nonsense in ({'_X_AMZN_TRACE_ID': 'Root=1-xyz'}, {'TRACEPARENT': '00-' + '0' * 32 + '-b7ad6b7169203331-01'}):
        daemon = Daemon()
        b.run(FAILS, '--trace', 'xray:' + daemon.address, env=nonsense, status=1)
        need('parent_id' not in daemon.documents()[-1], 'a trace of its own')


def ids_are_the_seeds(b):
    def trace(*arguments):
        daemon = Daemon()
        b.order('--trace', 'xray:' + daemon.address, *arguments)
        return daemon.documents()
    need(trace('--seed', '7') == trace('--seed', '7'), 'a seed repeats them')
    need(trace()[-1]['trace_id'] != trace()[-1]['trace_id'], 'no seed does not')
    definition = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Parameters': {
        'u.$': 'States.UUID()', 'e.$': '$$.Execution.Id'}, 'End': True}}}
    plain = b.run(definition, '--seed', '7', '--type', 'express').stdout
    need(b.run(definition, '--seed', '7', '--type', 'express', '--trace', 'xray', '--log-level', 'ALL').stdout == plain,
         'the execution does not notice')


# ---------------------------------------------------------------- OTLP

class Collector(http.server.ThreadingHTTPServer):
    """Takes traces; `answers` are what it says first: a status, a (status, headers, body), or "hang"."""

    daemon_threads = True

    def __init__(self, answers=(), tls=None):
        self.requests, self.answers = [], list(answers)
        super().__init__(('127.0.0.1', 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = '%s://127.0.0.1:%d' % ('https' if tls else 'http', self.server_address[1])
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass # a client that does not wait for its answer

    def spans(self):
        spans = []
        for path, headers, body in self.requests:
            need(path == '/v1/traces' and headers['Content-Type'] == 'application/json', f'{path} {headers}')
            spans += check_otlp(body)
        return spans


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        answer = self.server.answers.pop(0) if self.server.answers else 200
        if answer == 'hang':
            time.sleep(20)
            return
        status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, '{}')
        if status == 200:
            self.server.requests.append((self.path, self.headers, json.loads(body)))
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k, v)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


def load_schema():
    try:
        from google.protobuf import json_format
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
        return json_format, trace_service_pb2.ExportTraceServiceRequest
    except ImportError:
        return None


def check_otlp(body):
    """A request against execution-history 7, and OTLP's schema where there is one; its spans."""
    def check_attributes(attributes):
        for a in attributes:
            need(set(a) == {'key', 'value'} and len(a['value']) == 1, a)
            kind, value = next(iter(a['value'].items()))
            need({'stringValue': str, 'intValue': str, 'boolValue': bool}[kind] is type(value), a)
            need(kind != 'intValue' or re.fullmatch(r'-?\d+', value), a)
        need(len({a['key'] for a in attributes}) == len(attributes), f'keys twice: {attributes}')
    schema = load_schema()
    if schema:
        # Ids are hexadecimal in OTLP's JSON and base64 in protobuf's.
        copy = json.loads(json.dumps(body))
        for r in copy['resourceSpans']:
            for s in r['scopeSpans']:
                for span in s['spans']:
                    for k in ('traceId', 'spanId', 'parentSpanId'):
                        if k in span:
                            span[k] = base64.b64encode(bytes.fromhex(span[k])).decode()
        schema[0].ParseDict(copy, schema[1]()) # refuses unknown fields and wrong types
    spans = []
    for r in body['resourceSpans']:
        check_attributes(r['resource']['attributes'])
        for s in r['scopeSpans']:
            need(s['scope']['name'] == 'aslc', s['scope'])
            for span in s['spans']:
                need(set(span) <= {'traceId', 'spanId', 'parentSpanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano',
                                   'attributes', 'status', 'events'}, set(span))
                need(re.fullmatch('[0-9a-f]{32}', span['traceId']) and re.fullmatch('[0-9a-f]{16}', span['spanId']), 'ids')
                need(re.fullmatch('[0-9a-f]{16}', span.get('parentSpanId', '0' * 16)), 'parent')
                need(re.fullmatch(r'\d{19}', span['startTimeUnixNano']) and span['kind'] in (1, 2, 3), span)
                need(int(span['endTimeUnixNano']) >= int(span['startTimeUnixNano']), 'times')
                need(span['status'].get('code', 0) in (0, 1, 2), span['status'])
                check_attributes(span['attributes'])
                for e in span.get('events', []):
                    check_attributes(e['attributes'])
                spans.append(span)
    return spans


def attributes_of(span):
    return {a['key']: next(iter(a['value'].values())) for a in span['attributes']}


def otlp_spans(b):
    c = Collector()
    p = b.order('--trace', 'otlp:' + c.url, '--log-redact', 'password')
    need(p.stderr == '', p.stderr)
    spans = c.spans()
    by_id = {s['spanId']: s for s in spans}
    need(len({s['traceId'] for s in spans}) == 1, 'one trace')
    tree = sorted(((s['name'], by_id[s['parentSpanId']]['name'] if 'parentSpanId' in s else None) for s in spans), key=str)
    need(tree == ORDER_SPANS, f'want {ORDER_SPANS}\ngot {tree}')
    root = [s for s in spans if 'parentSpanId' not in s][0]
    need(root['kind'] == 2 and root['startTimeUnixNano'] == '1767225600000000000' and root['endTimeUnixNano'] ==
         '1767225603000000000' and root['status'] == {'code': 1}, root)
    need(attributes_of(root) == {
        'aws.step_functions.state_machine.arn': ARN + 'stateMachine:order', 'aslc.execution.arn': ARN + 'execution:order:n',
        'aslc.execution.name': 'n', 'aslc.execution.status': 'SUCCEEDED'}, root)
    charge = sorted((attributes_of(s)['aslc.map.index'], s['kind'], attributes_of(s)['aslc.state.type'])
                    for s in spans if s['name'] == 'Charge')
    need(charge == [(str(i), 1, 'Task') for i in range(3)], charge)
    flaky = [s for s in spans if attributes_of(s).get('error.type') == 'Flaky'][0]
    need(flaky['kind'] == 3 and flaky['status'] == {'code': 2, 'message': '{"password":"***","why":"x"}'} and
         flaky['events'][0]['name'] == 'exception' and attributes_of(flaky)['aslc.task.attempt'] == '0', flaky)
    risky = [s for s in spans if s['name'] == 'Risky'][0]
    need(attributes_of(risky)['aslc.state.caught'] is True and risky['status']['code'] == 2, risky)


def otlp_environment(b):
    c = Collector()
    b.order('--trace', 'otlp', env={
        'OTEL_EXPORTER_OTLP_ENDPOINT': c.url + '/', 'OTEL_EXPORTER_OTLP_HEADERS': 'api-key=a%20b, x=y', 'OTEL_SERVICE_NAME': 'sv',
        'OTEL_RESOURCE_ATTRIBUTES': 'service.name=no,deployment.environment=te%2Cst,broken'})
    path, headers, body = c.requests[0]
    need(path == '/v1/traces' and headers['api-key'] == 'a b' and headers['x'] == 'y', f'{path} {headers}')
    resource = attributes_of(body['resourceSpans'][0]['resource'])
    need(resource['service.name'] == 'sv' and resource['deployment.environment'] == 'te,st', resource)
    c = Collector()
    b.order('--trace', 'otlp', env={'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT': c.url + '/own/path?a=1'})
    need(c.requests[0][0] == '/own/path?a=1', c.requests[0][0])
    for url in ('ftp://x', 'http://', 'http://user@h', 'http://h:99999999'):
        p = b.run(SLEEPER, '--trace', 'otlp:' + url, status=2)
        need('collector' in p.stderr, p.stderr)
    p = b.run(SLEEPER, '--trace', 'zipkin', status=2)
    need('xray[:HOST:PORT] or otlp[:URL]' in p.stderr, p.stderr)


def otlp_batches(b):
    c = Collector()
    items = 400 if b.options.sanitized else 3000
    definition, text = many(items)
    b.order_input(text, '--trace', 'otlp:' + c.url, definition=definition)
    spans = c.spans()
    need(len({s['spanId'] for s in spans}) == items + 2 and len(spans) == items + 2, f'{len(spans)} spans')
    need(len(c.requests) <= 3 + items / 300, f'{len(c.requests)} requests')


def otlp_retries(b):
    """503 and 429 are tried again, 400 is not; what a collector refuses of a batch is counted."""
    c = Collector([503, (429, {'Retry-After': '0'}, '')])
    p = b.run(SLEEPER, '--trace', 'otlp:' + c.url)
    need(p.stderr == '' and sorted(s['name'] for s in c.spans()) == ['A', 'B', 'W', 'order'], p.stderr)
    c = Collector([400, 400])
    p = b.run(SLEEPER, '--trace', 'otlp:' + c.url)
    need(p.stderr == '4 trace spans dropped\n', p.stderr)
    c = Collector([(200, {}, '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}')] * 2)
    p = b.order('--trace', 'otlp:' + c.url)
    need(p.stderr == '2 trace spans dropped\n', p.stderr)


def otlp_https(b):
    if not shutil.which('openssl'):
        raise harness.Skip('needs openssl')
    tls = b.path('tls.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', tls, '-out', tls + '.cert', '-days', '2',
                    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'], check=True, stderr=subprocess.DEVNULL)
    with open(tls, 'a', encoding='utf-8') as f:
        f.write(open(tls + '.cert', encoding='utf-8').read())
    c = Collector(tls=tls)
    p = harness.run(b.command(SLEEPER, '--clock', 'virtual', '--trace', 'otlp:' + c.url), cwd=b.folder,
                    env=b.environment({'OTEL_EXPORTER_OTLP_CERTIFICATE': tls + '.cert'}))
    if 'needs libcurl' in p.stderr:
        raise harness.Skip('libcurl is not installed')
    need(p.returncode == 0 and p.stderr == '' and len(c.spans()) == 4, p.stderr)
    p = b.run(SLEEPER, '--clock', 'virtual', '--trace', 'otlp:' + c.url) # a certificate that nobody vouches for
    need(p.stderr == '4 trace spans dropped\n', p.stderr)


def both_traces_agree(b):
    c, daemon = Collector(), Daemon()
    b.order('--trace', 'xray:' + daemon.address, '--trace', 'otlp:' + c.url)
    done = {d['id'] for top in daemon.documents() for d, p in check_segment(top, True)}
    spans = c.spans()
    need({s['spanId'] for s in spans} <= done, 'ids')
    trace = daemon.documents()[-1]['trace_id']
    need(spans[0]['traceId'] == trace[2:10] + trace[11:], trace)


def traces_outlive_their_process(b):
    """What is suspended in one process and goes on in another is one trace, whose ids fit; and a log of two parts."""
    definition = {'StartAt': 'P', 'States': {
        'P': {'Type': 'Pass', 'Next': 'Both'},
        'Both': {'Type': 'Parallel', 'Next': 'Z', 'Branches': [
            {'StartAt': 'L', 'States': {'L': {'Type': 'Pass', 'End': True}}},
            {'StartAt': 'Ask', 'States': {'Ask': {'Type': 'Task', 'End': True, 'Parameters': {'token.$': '$$.Task.Token'},
                                                  'Resource': 'arn:aws:states:::lambda:invoke.waitForTaskToken'}}}]},
        'Z': {'Type': 'Pass', 'End': True}}}
    b.write('ask', '#!/bin/sh\ncat >token\necho "$TRACEPARENT" >parent\necho {}\n')
    os.chmod(b.path('ask'), 0o755)
    executable = b.path('order')
    subprocess.run([b.aslc, 'build', b.write('order.asl.json', definition), '-o', executable], check=True)
    c, daemon = Collector(), Daemon()
    options = ['--store', 'sqlite:store', '--name', 'n', '--bind', '*=exec:./ask', '--trace', 'otlp:' + c.url, '--trace',
               'xray:' + daemon.address, '--log', 'log', '--log-level', 'ALL', '--metrics', 'emf:emf']

    def run(status, *arguments):
        p = harness.run([executable, *arguments], cwd=b.folder, env=b.environment())
        if 'libsqlite3' in p.stderr and 'not' in p.stderr:
            raise harness.Skip(p.stderr.strip())
        need(p.returncode == status, f'exit status {p.returncode}, not {status}: {p.stderr}')
        return p
    run(75, *options, '--input', '{}')
    first = c.spans()
    with open(b.path('token'), encoding='utf-8') as f:
        token = json.load(f)['token']
    run(0, 'send-task-success', token, '--output', '{}', '--store', 'sqlite:store')
    run(0, *options)
    spans = c.spans()
    by_id = {s['spanId']: s for s in spans}
    need(0 < len(first) < len(spans) and len(by_id) == len(spans), f'{len(first)} spans, then {len(spans)}')
    need(len({s['traceId'] for s in spans}) == 1, 'one trace')
    tree = sorted(((s['name'], by_id[s['parentSpanId']]['name'] if 'parentSpanId' in s else None) for s in spans), key=str)
    want = sorted([('order', None), ('P', 'order'), ('Both', 'order'), ('Z', 'order'), ('L', 'Both'), ('Ask', 'Both'),
                   ('lambda:invoke.waitForTaskToken', 'Ask')], key=str)
    need(tree == want, f'want {want}\ngot {tree}')
    parent = open(b.path('parent'), encoding='utf-8').read().strip().split('-')
    attempt = [s for s in spans if s['name'].startswith('lambda')][0]
    need(parent[1:3] == [attempt['traceId'], attempt['spanId']], f'the handler had {parent}, the span is {attempt["spanId"]}')
    done = {d['id'] for top in daemon.documents() for d, p in check_segment(top, True) if not d.get('in_progress')}
    need(set(by_id) <= done, 'X-Ray has the same ids')
    ids = [int(x['id']) for x in b.lines('log')]
    need(ids == list(range(1, len(ids) + 1)), f'event ids in the log: {ids}')


def real_collector(b):
    command = b.options.collector or os.environ.get('OTELCOL') or shutil.which('otelcol') or shutil.which('otelcol-contrib')
    if not command:
        raise harness.Skip('no OpenTelemetry collector is installed (--collector, $OTELCOL, otelcol; sinks-collector.sh builds one)')
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    config = b.write('collector.yaml', {
        'receivers': {'otlp': {'protocols': {'http': {'endpoint': f'127.0.0.1:{port}'}}}},
        'exporters': {'debug': {'verbosity': 'detailed'}},
        'service': {'telemetry': {'metrics': {'level': 'none'}},
                    'pipelines': {'traces': {'receivers': ['otlp'], 'exporters': ['debug']}}}})
    with open(b.path('collector.log'), 'w', encoding='utf-8') as log:
        collector = subprocess.Popen([command, '--config', config], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 20
            while True:
                need(collector.poll() is None and time.monotonic() < deadline, 'the collector did not start')
                with socket.socket() as s:
                    if s.connect_ex(('127.0.0.1', port)) == 0:
                        break
                time.sleep(0.1)
            p = b.order('--trace', f'otlp:http://127.0.0.1:{port}')
            need(p.stderr == '', p.stderr)
            time.sleep(0.5)
        finally:
            collector.send_signal(signal.SIGTERM)
            collector.wait(timeout=10)
    text = open(b.path('collector.log'), encoding='utf-8').read()
    names = sorted(re.findall(r'^ +Name +: (.*)$', text, re.M))
    need(names == sorted(n for n, parent in ORDER_SPANS), f'{names}\n{text[-2000:]}')


# ---------------------------------------------------------------- metrics

def parse_prometheus(text):
    samples, types = {}, {}
    for line in text.splitlines():
        if line.startswith('# TYPE '):
            name, kind = line[7:].split()
            need(name not in types, f'{name} has two types')
            types[name] = kind
        elif not line.startswith('#'):
            m = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? (-?\d+)', line)
            need(m, line)
            base = re.sub('_(bucket|sum|count)$', '', m[1])
            need(types.get(m[1]) == 'counter' or types.get(base) == 'histogram', line)
            samples[m[1] + (m[2] or '')] = int(m[3])
    return samples


def metrics_prometheus(b):
    b.order('--metrics', 'prometheus:m', '--log-level', 'ALL', '--log', 'log')
    samples = parse_prometheus(open(b.path('m'), encoding='utf-8').read())
    machine = '{state_machine_arn="%sstateMachine:order"}' % ARN
    invoke = '{service_integration_resource_arn="arn:aws:states:::lambda:invoke"}'
    risky = '{lambda_function_arn="arn:aws:lambda:us-east-1:123456789012:function:risky"}'
    for name, value in {
            'aws_states_executions_started_total' + machine: 1, 'aws_states_executions_succeeded_total' + machine: 1,
            'aws_states_executions_failed_total' + machine: 0, 'aws_states_execution_time_milliseconds_sum' + machine: 3000,
            'aws_states_service_integrations_scheduled_total' + invoke: 4,
            'aws_states_service_integrations_failed_total' + invoke: 1,
            'aws_states_service_integration_run_time_milliseconds_count' + invoke: 4,
            'aws_states_lambda_functions_failed_total' + risky: 1, 'aslc_log_lines_total': 63,
            'aslc_log_lines_dropped_total': 0}.items():
        need(samples.get(name) == value, f'{name} is {samples.get(name)}, not {value}')
    need(os.listdir(b.folder).count('m') == 1 and not [f for f in os.listdir(b.folder) if f.endswith('.tmp')], 'no draft is left')
    p = b.run(SLEEPER, '--metrics', 'prometheus:no/such', status=2)
    need('cannot write metrics to no/such' in p.stderr, p.stderr)
    p = b.run(SLEEPER, '--metrics', 'statsd', status=2)
    need('emf[:FILE] or prometheus:FILE' in p.stderr, p.stderr)


def metrics_emf(b):
    b.order('--metrics', 'emf:emf')
    seen = {}
    for line in b.lines('emf'):
        directive = line['_aws']['CloudWatchMetrics'][0]
        need(isinstance(line['_aws']['Timestamp'], int) and directive['Namespace'] == 'aslc/States', line)
        for dimensions in directive['Dimensions']:
            need(all(isinstance(line[d], str) for d in dimensions), line)
        need(len(directive['Metrics']) <= 100, 'too many metrics')
        for m in directive['Metrics']:
            value = line[m['Name']]
            need(m['Unit'] in ('Count', 'Milliseconds') and (isinstance(value, int) or 1 < len(value) <= 100), m)
            seen[m['Name']] = value
    for name, value in {'ExecutionsStarted': 1, 'ExecutionsSucceeded': 1, 'ExecutionTime': 3000, 'LambdaFunctionsFailed': 1,
                        'ServiceIntegrationsScheduled': 4, 'ServiceIntegrationTime': [0, 0, 0, 0]}.items():
        need(seen.get(name) == value, f'{name} is {seen.get(name)}')
    p = b.run(SLEEPER, '--clock', 'virtual', '--metrics', 'emf', env={'AWS_EMF_NAMESPACE': 'Mine'})
    need(json.loads(p.stderr.splitlines()[0])['_aws']['CloudWatchMetrics'][0]['Namespace'] == 'Mine', p.stderr)
    need(p.stdout == '{}\n', 'standard output is the result\'s')


# ---------------------------------------------------------------- receivers that are no good

def no_receiver_holds_it_up(b):
    """A run of a second takes a second, whoever does not listen, and gives what it gives."""
    hanging = Collector(['hang'] * 10)
    silent = socket.socket()
    silent.bind(('127.0.0.1', 0))
    silent.listen(0) # takes a connection or two and says nothing
    full = socket.socket(socket.AF_UNIX)
    full.bind(b.path('full'))
    full.listen(1)
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        closed = s.getsockname()[1]
    cases = {
        'none': [],
        'xray down': ['--trace', f'xray:127.0.0.1:{closed}'],
        'xray unknown': ['--trace', 'xray:no-such-host.invalid:2000'],
        'otlp down': ['--trace', f'otlp:http://127.0.0.1:{closed}'],
        'otlp unknown': ['--trace', 'otlp:http://no-such-host.invalid'],
        'otlp slow': ['--trace', 'otlp:' + hanging.url],
        'otlp silent': ['--trace', 'otlp:http://127.0.0.1:%d' % silent.getsockname()[1]],
        'log full': ['--log-level', 'ALL', '--log', 'unix:' + b.path('full')],
        'log gone': ['--log-level', 'ALL', '--log', 'unix:' + b.path('gone')],
        'log disk full': ['--log-level', 'ALL', '--log', '/dev/full'],
        'emf disk full': ['--metrics', 'emf:/dev/full'],
    }
    executable = b.path('sleeper')
    subprocess.run([b.aslc, 'build', b.write('order.asl.json', SLEEPER), '-o', executable], check=True)
    took = dict.fromkeys(cases, 1e9)

    def measure(name):
        started = time.monotonic()
        p = harness.run([executable, '--input', '{}', *cases[name]], env=b.environment())
        took[name] = min(took[name], time.monotonic() - started)
        if p.returncode != 0 or p.stdout != '{}\n':
            took[name] = f'{name}: {p.stderr}'
    for _ in range(3): # they only wait, so all at once; the best of three, since the machine is not ours
        threads = [threading.Thread(target=measure, args=(name,)) for name in cases]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        need(not [v for v in took.values() if isinstance(v, str)], took)
    slack = 0.5 if b.options.sanitized else 0.05
    late = {k: round(v - took['none'], 3) for k, v in took.items() if v > took['none'] + slack}
    need(not late, f'held up, in seconds: {late}')


def signals_end_it(b):
    """A slow collector does not keep a stopped process."""
    c = Collector(['hang'] * 10)
    definition = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Next': 'W'}, 'W': {'Type': 'Wait', 'Seconds': 60, 'End': True}}}
    p = subprocess.Popen(b.command(definition, '--trace', 'otlp:' + c.url, '--log-level', 'FATAL', '--log', 'log'), cwd=b.folder,
                         env=b.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(3 if b.options.sanitized else 1)
    started = time.monotonic()
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=20)
    need(p.returncode == 4 and time.monotonic() - started < 3, f'{p.returncode} after {time.monotonic() - started:.1f} s')
    need([x['type'] for x in b.lines('log')] == ['ExecutionAborted'], 'logged')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--match', default='')
    parser.add_argument('--collector')
    parser.add_argument('--sanitized', action='store_true', help='aslc is slower than usual')
    options = parser.parse_args()
    aslc = os.path.abspath(options.aslc)
    if '--trace' not in harness.run([aslc, 'run', '--help']).stdout:
        print('SKIPPED: this aslc has no --trace, so logs, traces and metrics were not tested')
        return harness.SKIPPED
    if not load_schema():
        print('NOTE: Python has no opentelemetry-proto, so spans are checked by this file\'s own rules only')
    tests = [log_lines_are_the_services, log_levels, log_appends, log_redacts, log_lines_fit, log_pipe_that_nobody_reads,
             log_leaves_room_for_others, log_to_a_socket, log_socket_that_is_late, log_socket_that_is_gone, xray_documents, xray_failures, xray_large,
             traces_continue, ids_are_the_seeds, otlp_spans, otlp_environment, otlp_batches, otlp_retries, otlp_https,
             both_traces_agree, traces_outlive_their_process, real_collector, metrics_prometheus, metrics_emf, no_receiver_holds_it_up, signals_end_it]

    def work(test):
        bench = Bench(aslc, options)
        try:
            test(bench)
        except Problem as problem:
            return str(problem)
        except (AssertionError, KeyError, IndexError, ValueError, OSError): # as good as a Problem
            return traceback.format_exc()
        finally:
            shutil.rmtree(bench.folder, ignore_errors=True)
        return None
    return harness.report([(t.__name__.replace('_', '-'), t) for t in tests if options.match in t.__name__.replace('_', '-')], work, jobs=1)


if __name__ == '__main__':
    sys.exit(main())
