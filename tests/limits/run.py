#!/usr/bin/env python3
"""Scale, memory and start-up: figures that must hold, printed with what was measured.

    run.py --aslc build/compiler/aslc [NAME …]

    build-20       aslc build of a 20-state workflow: under 300 ms
    build-500      … of a 500-state one: under 3 s
    hello-size     a hello-world executable, stripped: under 1 MiB
    hello-start    its whole run: within 1.5 times an empty C program that is linked to the same libraries
    map-100000     a Map over 100,000 items: peak memory is linear in the items
    waits-10000    10,000 Wait states pending at once in one process, on the real clock
    loop           a Choice loop of 10 million transitions in constant memory

Times are the best of several runs, since other work on the machine only adds to them. A build is one thread and waits for
nothing, so where the machine is busy its processor time is what it would take by itself.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness

LAMBDA = 'arn:aws:lambda:us-east-1:123456789012:function:'


def order_workflow(states):
    """A workflow as people write them, of so many states: tasks with Retry and Catch, templates, choices, waits."""
    machine = {'StartAt': 'S0', 'States': {'Failed': {'Type': 'Fail', 'ErrorPath': '$.error.Error', 'CausePath': '$.error.Cause'},
                                           'Done': {'Type': 'Succeed'}}}
    count = states - 2
    for i in range(count):
        following = f'S{i + 1}' if i + 1 < count else 'Done'
        kind = i % 5
        if kind in (0, 3):
            s = {'Type': 'Task', 'Resource': f'{LAMBDA}f{i}', 'Parameters': {'id.$': '$.id', 'step': i, 'text.$': "States.Format('{}-{}', $.id, $$.State.Name)"},
                 'ResultSelector': {'value.$': '$.value'}, 'ResultPath': f'$.r{i}', 'TimeoutSeconds': 30,
                 'Retry': [{'ErrorEquals': ['Lambda.TooManyRequestsException', 'States.Timeout'], 'IntervalSeconds': 2, 'MaxAttempts': 4, 'BackoffRate': 2}],
                 'Catch': [{'ErrorEquals': ['States.ALL'], 'ResultPath': '$.error', 'Next': 'Failed'}], 'Next': following}
        elif kind == 1:
            s = {'Type': 'Choice', 'Choices': [{'And': [{'Variable': '$.n', 'NumericGreaterThan': i}, {'Variable': '$.kind', 'StringEquals': 'a'}], 'Next': 'Done'}],
                 'Default': following}
        elif kind == 2:
            s = {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 'n.$': 'States.MathAdd($.n, 1)', 'kind.$': '$.kind', 'seen': {'state.$': '$$.State.Name'}}, 'Next': following}
        else:
            s = {'Type': 'Wait', 'Seconds': 1, 'Next': following}
        machine['States'][f'S{i}'] = s
    return machine


class Bench:
    def __init__(self, aslc, scratch):
        self.aslc, self.scratch = aslc, scratch

    def write(self, name, definition):
        path = os.path.join(self.scratch, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(definition if isinstance(definition, str) else json.dumps(definition, indent=1))
        return path

    def build(self, name, definition, *options):
        path = self.write(name + '.asl.json', definition)
        out = os.path.join(self.scratch, name)
        p = harness.run([self.aslc, 'build', path, '-o', out, *options])
        if p.returncode != 0:
            raise RuntimeError(f'aslc build: {p.stderr.strip()}')
        return out

    def measure(self, argv):
        """(seconds, peak KiB, standard output) of a command that must succeed. A small program starts it, since a process
        inherits the peak of the one it was forked from, and Python's is large."""
        meter = os.path.join(self.scratch, 'meter')
        if not os.path.exists(meter):
            subprocess.run(['cc', '-O2', '-o', meter, os.path.join(HERE, 'meter.c')], check=True)
        start = time.perf_counter()
        p = subprocess.run([meter] + argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seconds = time.perf_counter() - start
        if p.returncode != 0:
            raise RuntimeError(f'{" ".join(argv)}: exit {p.returncode}: {harness.short(p.stderr.decode(errors="replace"))}')
        return seconds, int(p.stderr.split()[-1]), p.stdout


def build_time(bench, states, limit, runs):
    definition = order_workflow(states)
    times, used = [], []
    for _ in range(runs):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        bench.build(f'order{states}', definition)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(time.perf_counter() - start)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f'  {states} states: best {min(times) * 1000:.0f} ms, median {statistics.median(times) * 1000:.0f} ms, '
          f'processor time {min(used) * 1000:.0f} ms')
    return None if min(times + used) < limit else f'{min(times):.3f} s, and the limit is {limit} s'


HELLO = {'StartAt': 'Hello', 'States': {'Hello': {'Type': 'Pass', 'Result': 'hello, world', 'End': True}}}


def hello_size(bench):
    path = bench.build('hello', HELLO, '-s')
    size = os.path.getsize(path)
    print(f'  {size} bytes')
    return None if size < 1 << 20 else f'{size} bytes'


def hello_start(bench):
    hello = bench.build('hello', HELLO, '-s')
    needed = harness.run(['ldd', hello]).stdout
    libraries = sorted({word for word in needed.split() if word.startswith('/') and '/ld-linux' not in word})
    empty = os.path.join(bench.scratch, 'empty')
    bench.write('empty.c', 'int main(void) { return 0; }\n')
    subprocess.run(['cc', '-O2', '-s', '-o', empty, empty + '.c', '-Wl,--no-as-needed', *libraries], check=True)
    ratios, times = [], {hello: [], empty: []}
    for _ in range(7):                      # batches of paired runs: what disturbs one disturbs the other
        for _ in range(60):
            for program in (hello, empty):
                start = time.perf_counter()
                subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
                times[program].append(time.perf_counter() - start)
        ratios.append(statistics.median(times[hello][-60:]) / statistics.median(times[empty][-60:]))
    print(f'  hello {statistics.median(times[hello]) * 1e6:.0f} us, empty {statistics.median(times[empty]) * 1e6:.0f} us, '
          f'median ratio {statistics.median(ratios):.2f}, best {min(ratios):.2f}')
    return None if min(ratios) <= 1.5 else f'{min(ratios):.2f} times an empty program'


def map_items(bench):
    program = bench.build('map', {'StartAt': 'M', 'States': {'M': {'Type': 'Map', 'ItemSelector': {'n.$': '$$.Map.Item.Value', 'i.$': '$$.Map.Item.Index'},
                          'ItemProcessor': {'StartAt': 'P', 'States': {'P': {'Type': 'Pass', 'Parameters': {'twice.$': 'States.MathAdd($.n, $.n)', 'i.$': '$.i'}, 'End': True}}}, 'End': True}}})
    peak = {}
    for n in (25000, 50000, 100000):
        path = bench.write('items.json', json.dumps(list(range(n))))
        seconds, kib, out = bench.measure([program, '--input', path])
        result = json.loads(out)
        if len(result) != n or result[n - 1] != {'twice': 2 * (n - 1), 'i': n - 1}:
            return f'{n} items: wrong output'
        peak[n] = kib
        print(f'  {n} items: {seconds:.2f} s, peak {kib / 1024:.1f} MiB, {kib * 1024 // n} bytes an item')
    grown = (peak[100000] - peak[50000]) / max(1, peak[50000] - peak[25000])
    return None if grown <= 2.6 else f'memory is not linear: from 50,000 to 100,000 items it grew {grown:.1f} times as much as from 25,000 to 50,000'


def waits(bench):
    program = bench.build('waits', {'StartAt': 'M', 'States': {'M': {'Type': 'Map', 'ItemProcessor': {
        'StartAt': 'W', 'States': {'W': {'Type': 'Wait', 'Seconds': 2, 'End': True}}}, 'End': True}}})
    path = bench.write('items.json', json.dumps(list(range(10000))))
    seconds, kib, out = bench.measure([program, '--input', path])
    print(f'  10,000 waits of 2 s: {seconds:.2f} s, peak {kib / 1024:.1f} MiB')
    if len(json.loads(out)) != 10000:
        return 'wrong output'
    return None if 2 <= seconds < 6 else f'{seconds:.1f} s: they did not wait at the same time'


def loop(bench):
    program = bench.build('loop', {'StartAt': 'Count', 'States': {
        'Count': {'Type': 'Pass', 'Parameters': {'n.$': 'States.MathAdd($.n, 1)', 'last.$': '$.last'}, 'Next': 'Enough?'},
        'Enough?': {'Type': 'Choice', 'Choices': [{'Variable': '$.n', 'NumericLessThanPath': '$.last', 'Next': 'Count'}], 'Default': 'Done'},
        'Done': {'Type': 'Succeed'}}})
    peak = {}
    for transitions in (10000, 10000000):
        seconds, kib, out = bench.measure([program, '--input', json.dumps({'n': 0, 'last': transitions // 2})])
        peak[transitions] = kib
        if json.loads(out)['n'] != transitions // 2:
            return 'wrong output'
        print(f'  {transitions} transitions: {seconds:.2f} s, {seconds / transitions * 1e9:.0f} ns each, peak {kib / 1024:.1f} MiB')
    return None if peak[10000000] <= peak[10000] + 1024 else 'memory grows with the transitions'


LIMITS = {'build-20': lambda b: build_time(b, 20, 0.3, 7), 'build-500': lambda b: build_time(b, 500, 3.0, 3), 'hello-size': hello_size,
          'hello-start': hello_start, 'map-100000': map_items, 'waits-10000': waits, 'loop': loop}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('name', nargs='*', help=' '.join(LIMITS))
    opt = parser.parse_args()

    def work(measure):
        with tempfile.TemporaryDirectory(prefix='aslc-limits-') as scratch:
            try:
                return measure(Bench(os.path.abspath(opt.aslc), scratch))
            except (RuntimeError, subprocess.CalledProcessError, ValueError) as e:
                return str(e)
    return harness.report([(n, LIMITS[n]) for n in opt.name or LIMITS], work, 1, True)


if __name__ == '__main__':
    sys.exit(main())
