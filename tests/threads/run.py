#!/usr/bin/env python3
"""More than one core: what comes out must not depend on how many threads compute it.

    run.py --aslc build/compiler/aslc [--count 12] [--seed 1] [--threads 2,3,8] [--engines build,run,interpret] [--match TEXT]

Generated Maps and Parallels whose items compute long enough to be spread, and cases of their own: an item that fails in the
middle, with its event's id in the cause, random numbers, loops under the virtual clock, the Context object, captured
variables, nested Maps, a time limit, a signal; the lines of --each. Output, error, cause and exit status must be those of
one thread, byte for byte. Where threads must have been at work, /proc is asked.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

WORK_JSONPATH = "States.Hash(States.JsonToString(States.ArrayRange(0, $.n, 1)), 'SHA-512')"
WORK_JSONATA = "$sum([1..$states.input.n].($ * $ % 7))"


# ---------------------------------------------------------------- definitions

def jsonpath_item(steps, failing=None, end=None):
    """A processor of Pass states; failing: the item's id that ends in a Fail state."""
    states, names = {}, [f'S{i}' for i in range(len(steps))]
    for name, parameters, following in zip(names, steps, names[1:] + ['Last']):
        states[name] = {'Type': 'Pass', 'Parameters': parameters, 'ResultPath': f'$.{name}', 'Next': following}
    states['Last'] = end or {'Type': 'Pass', 'End': True}
    start = names[0]
    if failing is not None:
        states['Look'] = {'Type': 'Choice', 'Default': start, 'Choices': [
            {'Variable': '$.id', 'NumericEquals': failing, 'Next': 'Broken'}]}
        states['Broken'] = {'Type': 'Pass', 'Parameters': {'x.$': '$.there.is.no.such'}, 'Next': start}
        start = 'Look'
    return {'StartAt': start, 'States': states}


def over(items, processor, after=None, **more):
    return {'StartAt': 'Each', 'States': {
        'Each': {'Type': 'Map', 'ItemsPath': '$.items', 'ItemProcessor': processor,
                 **({'Next': 'After'} if after else {'End': True}), **more},
        **({'After': after} if after else {})}}, {'items': items, 'shared': {'deep': [{'k': 'v' * 40}] * 5}}


def items(count, n, extra=None):
    return [{'id': i, 'n': n, 'text': f'ünïcödé {i} and more than fourteen bytes', **(extra(i) if extra else {})}
            for i in range(count)]


HEAVY = {'h.$': WORK_JSONPATH}
CATCH = [{'ErrorEquals': ['States.ALL'], 'ResultPath': '$.error', 'Next': 'After'}]
ERROR_ONLY = {'Type': 'Pass', 'Parameters': {'error.$': '$.error'}, 'End': True}


def fails_softly(processor, at):
    """A Fail state in item `at`: caught by the Map, which shows error and cause."""
    states = processor['States']
    states['Softly'] = {'Type': 'Choice', 'Default': processor['StartAt'], 'Choices': [
        {'Variable': '$.id', 'NumericEquals': at, 'Next': 'Bad'}]}
    states['Bad'] = {'Type': 'Pass', 'Parameters': {'x.$': "States.StringToJson('{not json')"}, 'End': True}
    processor['StartAt'] = 'Softly'
    return processor


def cases():
    yield 'plain', *over(items(300, 300), jsonpath_item([HEAVY, {'a.$': '$.S0.h', 'b.$': 'States.Array($.id, $.text)'}])), []
    for where in (0, 1, 17, 150, 299):
        yield f'fails at {where}', *over(items(300, 300), jsonpath_item([HEAVY], failing=where)), []
        yield f'fails at {where}, caught', *over(items(300, 300), fails_softly(jsonpath_item([HEAVY]), where),
                                                 after=ERROR_ONLY, Catch=CATCH), []
    yield 'fails twice', *over(items(300, 300, lambda i: {'id': i % 100}), fails_softly(jsonpath_item([HEAVY]), 70),
                               after=ERROR_ONLY, Catch=CATCH), []
    yield 'an event after it', *over(items(200, 300), jsonpath_item([HEAVY]),
                                     after={'Type': 'Pass', 'Parameters': {'x.$': '$.no.such'}, 'End': True}), []
    yield 'context', *over(items(200, 300), jsonpath_item([HEAVY, {
        'i.$': '$$.Map.Item.Index', 'v.$': '$$.Map.Item.Value.id', 'e.$': '$$.Execution.Id', 's.$': '$$.State.Name',
        'in.$': '$$.Execution.Input.shared'}])), ['--name', 'one']
    yield 'random', *over(items(200, 300), jsonpath_item([HEAVY, {
        'r.$': 'States.MathRandom(1, 1000000)', 'u.$': 'States.UUID()'}])), ['--seed', '7']
    rare = jsonpath_item([HEAVY])
    rare['States']['Last'] = {'Type': 'Choice', 'Default': 'End', 'Choices': [
        {'Variable': '$.id', 'NumericEquals': 100, 'Next': 'Draw'}]}
    rare['States']['Draw'] = {'Type': 'Pass', 'Parameters': {'u.$': 'States.UUID()'}, 'Next': 'End'}
    rare['States']['End'] = {'Type': 'Pass', 'End': True}
    yield 'random once', *over(items(200, 300), rare, after={
        'Type': 'Pass', 'Parameters': {'all.$': '$', 'u.$': 'States.UUID()'}, 'End': True}), ['--seed', '7']
    loop = {'StartAt': 'N', 'States': {
        'N': {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 'n.$': 'States.MathAdd($.n, -1)', 't.$': '$$.State.EnteredTime'},
              'Next': 'More'},
        'More': {'Type': 'Choice', 'Choices': [{'Variable': '$.n', 'NumericGreaterThan': 0, 'Next': 'N'}], 'Default': 'End'},
        'End': {'Type': 'Succeed'}}}
    yield 'loops, virtual clock', *over(items(100, 100), loop), ['--clock', 'virtual']
    loop = json.loads(json.dumps(loop))
    del loop['States']['N']['Parameters']['t.$']
    yield 'loops, real clock', *over(items(100, 300), loop), []
    yield 'MaxConcurrency 1', *over(items(300, 300), jsonpath_item([HEAVY]), MaxConcurrency=1), []
    yield 'MaxConcurrency 2', *over(items(300, 300), jsonpath_item([HEAVY]), MaxConcurrency=2), []
    yield 'ItemSelector', *over(items(200, 300), jsonpath_item([HEAVY, {'s.$': '$.all.deep[1].k', 'i.$': '$.index'}]),
                                ItemSelector={'id.$': '$$.Map.Item.Value.id', 'n.$': '$$.Map.Item.Value.n',
                                              'index.$': '$$.Map.Item.Index', 'all.$': '$.shared'}), []
    for name, options, more in (('fails', [], {'Catch': CATCH}), ('draws', ['--seed', '5'], {})):
        selector = {'id.$': '$$.Map.Item.Value.id', 'n.$': '$$.Map.Item.Value.n'}
        if name == 'draws':
            selector['u.$'] = 'States.UUID()'
        item = jsonpath_item([HEAVY])
        if name == 'fails':
            item = fails_softly(item, 150)
        yield f'ItemSelector {name}', *over(items(300, 300), item, after=ERROR_ONLY if name == 'fails' else None,
                                            ItemSelector=selector, **more), options
    inner = {'StartAt': 'Inner', 'States': {'Inner': {
        'Type': 'Map', 'ItemsPath': '$.items', 'End': True, 'ItemProcessor': jsonpath_item([HEAVY, {
            'i.$': '$$.Map.Item.Index'}])}}}
    yield 'nested', *over([{'items': items(30, 200)} for _ in range(10)], inner), []
    yield 'nested, one', *over([{'items': items(300, 200)}], inner), []
    failing = json.loads(json.dumps(inner))
    failing['States']['Inner'].update(ItemProcessor=fails_softly(jsonpath_item([HEAVY]), 20), Next='After', Catch=CATCH)
    del failing['States']['Inner']['End']
    failing['States']['After'] = ERROR_ONLY
    yield 'nested, failures caught inside', *over([{'items': items(30, 200), 'id': i} for i in range(10)], failing), []
    yield 'nested, failures caught outside', *over(
        [{'items': items(30, 200), 'id': i} for i in range(10)],
        {'StartAt': 'Inner', 'States': {'Inner': {
            'Type': 'Map', 'ItemsPath': '$.items', 'End': True, 'ItemProcessor': fails_softly(jsonpath_item([HEAVY]), 20)}}},
        after=ERROR_ONLY, Catch=CATCH), []
    branch = lambda i: {'StartAt': f'B{i}', 'States': {f'B{i}': {
        'Type': 'Pass', 'QueryLanguage': 'JSONata', 'End': True, 'Output': {
            'sum': f'{{% $sum([1..$states.input.n].($ * $ % {i + 3})) %}}', 'i': i, 'in': '{% $states.input.text %}'}}}}
    parallel = {'StartAt': 'P', 'States': {'P': {'Type': 'Parallel', 'Branches': [branch(i) for i in range(9)], 'End': True}}}
    yield 'Parallel', parallel, {'n': 9900, 'text': 'shared by all the branches'}, []
    twice = json.loads(json.dumps(parallel))
    twice['States']['P'].update(Next='Q', ResultPath='$.first')
    del twice['States']['P']['End']
    twice['States']['Q'] = {'Type': 'Parallel', 'End': True, 'Branches': [
        {'StartAt': f'F{i}', 'States': {f'F{i}': {'Type': 'Pass', 'QueryLanguage': 'JSONata', 'End': True, 'Output': {
            'h': '{% $sum([1..9900].($ * $ % 7)) %}', **({'x': '{% $states.input.nothing %}'} if i == 5 else {})}}}}
        for i in range(9)]}
    yield 'Parallel fails', twice, {'n': 9900, 'text': 'shared by all the branches'}, []
    again = {'StartAt': 'Init', 'States': {
        'Init': {'Type': 'Pass', 'Assign': {'i': 0, 'n.$': '$.n', 'text.$': '$.text'}, 'Next': 'P'},
        'P': {'Type': 'Parallel', 'Branches': [branch(i) for i in range(9)], 'Assign': {'i.$': 'States.MathAdd($i, 1)'},
              'Next': 'More', 'ResultPath': '$.last'},
        'More': {'Type': 'Choice', 'Choices': [{'Variable': '$i', 'NumericLessThan': 20, 'Next': 'P'}], 'Default': 'End'},
        'End': {'Type': 'Succeed'}}}
    yield 'Parallel in a loop', again, {'n': 2000, 'text': 'shared by all the branches'}, []
    jsonata = {'QueryLanguage': 'JSONata', 'StartAt': 'Vars', 'States': {
        'Vars': {'Type': 'Pass', 'Assign': {'factor': 3, 'names': '{% $states.input.shared %}'},
                 'Output': '{% $states.input %}', 'Next': 'Each'},
        'Each': {'Type': 'Map', 'Items': '{% $states.input.items %}', 'End': True, 'ItemProcessor': {
            'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'End': True, 'Output': {
                'sum': '{% ' + WORK_JSONATA + ' * $factor %}', 'id': '{% $states.input.id %}',
                'k': '{% $names.deep[0].k %}', 'i': '{% $states.context.Map.Item.Index %}',
                're': "{% $replace($states.input.text, /[0-9]+/, function($m) { $string($number($m.match) + 1) }) %}"}}}}}}}
    yield 'JSONata', jsonata, {'items': items(200, 300), 'shared': {'deep': [{'k': 'v' * 40}]}}, []
    bad = json.loads(json.dumps(jsonata))
    bad['States']['Each']['ItemProcessor']['States']['A']['Output']['e'] = (
        '{% $states.input.id = 133 ? $error("number " & $string($states.input.id)) : $millis() > 0 %}')
    yield 'JSONata fails', bad, {'items': items(200, 300), 'shared': {'deep': [{'k': 'v' * 40}]}}, []
    drawn = json.loads(json.dumps(jsonata))
    drawn['States']['Each']['ItemProcessor']['States']['A']['Output']['r'] = '{% [$random(), $uuid(), $shuffle([1..5])] %}'
    yield 'JSONata random', drawn, {'items': items(200, 300), 'shared': {'deep': [{'k': 'v' * 40}]}}, ['--seed', '3']


def generated(seed):
    """Maps over items of different kinds and weights; some fail."""
    r = random.Random(seed)
    pool = [HEAVY, {'l.$': 'States.ArrayLength($.list)', 't.$': '$.text'}, {'m.$': "States.Format('{}-{}', $.id, $.text)"},
            {'p.$': 'States.ArrayPartition($.list, 3)'}, {'x.$': '$$.Map.Item.Index'}, {'c.$': '$.o', 'q.$': '$.list[*].k'},
            {'h.$': "States.Base64Encode($.text)"}, {'j.$': 'States.JsonToString($.o)'}]
    steps = [HEAVY] + [r.choice(pool) for _ in range(r.randint(0, 5))]
    r.shuffle(steps)
    count = r.randint(20, 400)
    list_of = items(count, r.randint(50, 600), lambda i: {
        'list': [{'k': r.randint(0, 9)} for _ in range(r.randint(0, 6))], 'o': {'a': r.random(), 'b': [None, True, 1e300, '\u0000']},
        **({} if r.random() < 0.9 else {'n': r.randint(1, 990)})})
    processor = jsonpath_item(steps, failing=r.randint(0, 2 * count) if r.random() < 0.3 else None)
    if r.random() < 0.4:
        processor = fails_softly(processor, r.randint(0, 2 * count))
    more = {'MaxConcurrency': r.choice([0, 0, 3, 40, 100])}
    caught = r.random() < 0.5
    definition, value = over(list_of, processor, after=ERROR_ONLY if caught else None, **more, **({'Catch': CATCH} if caught else {}))
    if caught:  # also when nothing failed
        definition['States']['Each'].update(ResultPath='$.result')
        definition['States']['After'] = {'Type': 'Pass', 'End': True}
    return f'generated {seed}', definition, value, []


# ---------------------------------------------------------------- running

class Bench:
    def __init__(self, options, folder):
        self.aslc, self.folder, self.options = options.aslc, folder, options
        self.count = 0

    def write(self, name, value):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        return path

    def commands(self, definition, value):
        """(engine, argv without options) of each engine."""
        self.count += 1
        path = self.write(f'w{self.count}.asl.json', definition)
        data = self.write(f'w{self.count}.input', value)
        found = []
        for engine in self.options.engines:
            if engine == 'build':
                out = os.path.join(self.folder, f'w{self.count}')
                p = harness.run([self.aslc, 'build', path, '-o', out])
                if p.returncode:
                    raise AssertionError(p.stderr)
                found.append((engine, [out, '--input', data]))
            else:
                found.append((engine, [self.aslc, engine, path, '--input', data]))
        return found

    def has(self, most, want):
        """A sanitizer may have a thread of its own."""
        return want <= most <= want + self.options.sanitized

    def same(self, case):
        name, definition, value, options = case
        for engine, argv in self.commands(definition, value):
            want = harness.run(argv + options + ['--threads', '1'])
            if want.returncode not in (0, 1):
                return f'{engine}: {harness.short(want.stderr, 500)}'
            for n in self.options.threads:
                got = harness.run(argv + options + ['--threads', str(n)])
                for what in ('returncode', 'stdout', 'stderr'):
                    a, b = getattr(want, what), getattr(got, what)
                    if a != b:
                        return f'{engine}, {n} threads: {what} is {harness.short(b, 500)!r} instead of {harness.short(a, 500)!r}'
        return None


def threads_of(pid):
    try:
        return len(os.listdir(f'/proc/{pid}/task'))
    except OSError:
        return 0


def most_threads(p, seconds):
    """How many threads the process is seen with, before it ends or the time is over."""
    most, until = 0, time.monotonic() + seconds
    while p.poll() is None and time.monotonic() < until:
        most = max(most, threads_of(p.pid))
        time.sleep(0.002)
    return most


LONG = {'StartAt': 'N', 'States': {
    'N': {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 'n.$': 'States.MathAdd($.n, -1)'}, 'Next': 'More'},
    'More': {'Type': 'Choice', 'Choices': [{'Variable': '$.n', 'NumericGreaterThan': 0, 'Next': 'N'}], 'Default': 'End'},
    'End': {'Type': 'Succeed'}}}


BUSY = {'StartAt': 'B', 'States': {'B': {'Type': 'Pass', 'QueryLanguage': 'JSONata', 'End': True, 'Output': {
    'id': '{% $states.input.id %}', 'sum': '{% $sum([1..$states.input.n].($ * $ % 7)) %}'}}}}


def long_map(seconds=None):
    definition, value = over(items(8, 2000000000), LONG)
    value['items'] = items(60, 20000) + value['items']
    if seconds:
        definition['TimeoutSeconds'] = seconds
    return definition, value


def are_at_work(bench):
    """--threads N gives N threads where there is work, and 1 none; so does ASLC_THREADS."""
    definition, value = over(items(300, 10000), BUSY)
    for engine, argv in bench.commands(definition, value):
        for options, environment, want in ((['--threads', '3'], {}, 3), (['--threads', '1'], {}, 1), ([], {'ASLC_THREADS': '2'}, 2)):
            p = subprocess.Popen(argv + options, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
            most = most_threads(p, 60)
            if p.wait() != 0 or not bench.has(most, want):
                return f'{engine} {options} {environment}: {most} threads instead of {want}'
    return None


def small_work_stays(bench):
    definition, value = over(items(40, 5), jsonpath_item([{'h.$': 'States.MathAdd($.n, 1)'}]))
    for engine, argv in bench.commands(definition, value):
        if shutil.which('strace') is None:
            raise harness.Skip('there is no strace')
        p = harness.run(['strace', '-f', '-qq', '-e', 'trace=clone,clone3', argv[0], *argv[1:], '--threads', '4'])
        if p.returncode == 0 and 'clone' in p.stderr and not bench.options.sanitized:
            return f'{engine}: a small Map started threads: {harness.short(p.stderr)}'
    return None


def time_limit(bench):
    definition, value = long_map(1)
    for engine, argv in bench.commands(definition, value):
        start = time.monotonic()
        p = harness.run(argv + ['--threads', '3'])
        taken = time.monotonic() - start
        if p.returncode != 3 or taken > 20:
            return f'{engine}: exit status {p.returncode} after {taken:.1f} s: {harness.short(p.stderr)}'
    return None


def after_sigterm(p, status, seconds):
    """Sends SIGTERM; None when the process then ends with this status in time."""
    p.send_signal(signal.SIGTERM)
    try:
        p.wait(seconds)
    except subprocess.TimeoutExpired:
        p.kill()
        return 'goes on after SIGTERM'
    return None if p.returncode == status else f'exit status {p.returncode}'


def interrupted(bench):
    definition, value = long_map()
    for engine, argv in bench.commands(definition, value):
        p = subprocess.Popen(argv + ['--threads', '3'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + 30
        while threads_of(p.pid) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        if p.poll() is not None or threads_of(p.pid) < 3:
            p.kill()
            return f'{engine}: has not started its threads'
        problem = after_sigterm(p, 4, 20)
        if problem:
            return f'{engine}: {problem}'
    return None


def each_lines(bench):
    """--each: outputs in the lines' order, the same messages, also for lines that are no JSON or whose execution fails."""
    definition = {'StartAt': 'Look', 'States': {
        'Look': {'Type': 'Choice', 'Default': 'N', 'Choices': [{'Variable': '$.id', 'NumericEquals': 77, 'Next': 'Bad'}]},
        'Bad': {'Type': 'Fail', 'Error': 'Bad', 'Cause': 'it is 77'},
        'N': {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 'h.$': WORK_JSONPATH, 'text.$': '$.text'}, 'End': True}}}
    lines = [json.dumps(i) for i in items(600, 700)]
    lines[100] = '{"no json'
    lines[200] = ''
    for engine, argv in bench.commands(definition, '\n'.join(lines) + '\n'):
        for options in (['--name', 'x'], ['--name', 'x', '--max-executions', '5'], ['--name', 'x', '--max-executions', '1']):
            want = harness.run(argv + ['--each', '--threads', '1'] + options)
            if want.returncode != 1 and want.returncode != 2 or want.stdout.count('\n') != 599:
                return f'{engine}: exit status {want.returncode}, {want.stdout.count(chr(10))} lines: {harness.short(want.stderr)}'
            for n in bench.options.threads:
                got = harness.run(argv + ['--each', '--threads', str(n)] + options)
                for what in ('returncode', 'stdout', 'stderr'):
                    a, b = getattr(want, what), getattr(got, what)
                    if a != b:
                        return f'{engine}, {n} threads, {options}: {what} is {harness.short(b, 500)!r} instead of {harness.short(a, 500)!r}'
    return None


def each_is_spread(bench):
    lines = '\n'.join(json.dumps(i) for i in items(300, 10000))
    for engine, argv in bench.commands(BUSY, lines):
        p = subprocess.Popen(argv + ['--each', '--threads', '3'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        most = most_threads(p, 60)
        output = p.communicate()[0].decode().split('\n')
        if p.returncode != 0 or [json.loads(l)['id'] for l in output if l] != list(range(300)):
            return f'{engine}: exit status {p.returncode}, or not in order'
        if not bench.has(most, 3):
            return f'{engine}: {most} threads'
    return None


def each_interrupted(bench):
    definition = {'StartAt': 'N', 'States': LONG['States']}
    lines = '\n'.join(json.dumps(i) for i in items(300, 20000) + items(300, 2000000000))
    for engine, argv in bench.commands(definition, lines):
        with open(os.path.join(bench.folder, 'out'), 'wb') as out:
            p = subprocess.Popen(argv + ['--each', '--threads', '3', '--max-executions', '6'], stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while threads_of(p.pid) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        problem = after_sigterm(p, 1, 30)
        if problem:
            return f'{engine}: {problem}'
    return None


def bad_use(bench):
    definition, value = over(items(2, 5), jsonpath_item([HEAVY]))
    for engine, argv in bench.commands(definition, value):
        for options, environment in ((['--threads', '0'], {}), (['--threads', 'many'], {}), ([], {'ASLC_THREADS': '-1'})):
            p = harness.run(argv + options, env={**os.environ, **environment})
            if p.returncode != 2 or 'from 1 on' not in p.stderr:
                return f'{engine} {options}: exit status {p.returncode}: {p.stderr}'
    return None


SPECIAL = {'threads are at work': are_at_work, 'small work stays': small_work_stays, 'time limit': time_limit,
           'SIGTERM': interrupted, 'each': each_lines, 'each is spread': each_is_spread, 'each, SIGTERM': each_interrupted,
           'bad use': bad_use}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--count', type=int, default=12)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--threads', default='2,3,8')
    parser.add_argument('--engines', default='build,interpret')
    parser.add_argument('--match', default='')
    parser.add_argument('--sanitized', action='store_true', help='a sanitizer may have a thread of its own')
    options = parser.parse_args()
    options.aslc = os.path.abspath(options.aslc)
    options.threads = [int(n) for n in options.threads.split(',')]
    options.engines = options.engines.split(',')
    if options.sanitized and 'build' in options.engines:
        options.engines[options.engines.index('build')] = 'run'
    os.environ.pop('ASLC_THREADS', None)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        work = [(case[0], (Bench.same, case)) for case in list(cases()) + [generated(options.seed + i) for i in range(options.count)]]
        work += [(name, (function,)) for name, function in SPECIAL.items()]
        work = [(name, todo) for name, todo in work if options.match in name]
        return harness.report(work, lambda todo: todo[0](bench, *todo[1:]), jobs=1)


if __name__ == '__main__':
    sys.exit(main())
