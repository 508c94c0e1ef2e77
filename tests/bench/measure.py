#!/usr/bin/env python3
"""Measures every workload in every engine, in one run, and writes what it found as JSON. tests/bench/run calls it.

    measure.py --aslc FILE --work FOLDER --out FILE [--node FILE --modules FOLDER] [--quick] [WORKLOAD …]

FOLDER holds what tests/bench/run has built: asl/ (workloads.py), limit, spawn, empty. Without --node no peer is measured.

Times inside a process: `aslc bench` for compiled (its JIT makes the code that `aslc build` would write) and interpreted,
the limit programs for levels i and ii, and a resident, warm Node for the peers. Everybody runs many executions in a
round, and gives a round's median; rounds alternate between all engines, so that what else the machine does slows all of
them; a figure is the median of the rounds, and its spread the least and the greatest of them. A ratio is the median of
the rounds' ratios. "run" is from a parsed input to an output that is not yet printed; "total" is everything from text
to text, with what was allocated given back.

Time in which others had the processor is taken out (bench.c, limit.c), and a peer gets the lesser of its wall and its
processor time (peer.mjs): without that, on a busy machine, long runs look twice as slow and short ones do not.

Whole processes: posix_spawn to the end, in turn (spawn.c). Memory: the greatest resident size of a process that reads its
input from a file.
"""
import argparse
import importlib.util
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import workloads

NAMES = [make.__name__.replace('_', '-') for make in workloads.ALL]
LEVELS = {'hello': ['ii'], 'counter-loop': ['i', 'ii'], 'pass-chain': ['i', 'ii'], 'choice-ladder': ['i', 'ii'], 'map-10k': ['i', 'ii'],
          'parallel-8': ['i', 'ii'], 'big-payload': ['i', 'ii']}
PEERS = {name: 'aws-local-stepfunctions' for name in NAMES} # which gives the input back where JSONata is asked for
PEERS.update({'counter-loop-jsonata': 'jsonata', 'jsonata-report': 'jsonata'})


def say(text):
    if sys.stderr.isatty():
        print(f'\r\033[K{text}', end='', file=sys.stderr, flush=True)


def fail(text):
    print(f'\n{text}', file=sys.stderr)
    sys.exit(1)


def command(words, **options):
    p = subprocess.run([str(w) for w in words], capture_output=True, text=True, **options)
    if p.returncode:
        fail(f"{' '.join(map(str, words))}: status {p.returncode}\n{p.stderr.strip()[:2000]}")
    return p.stdout


class Files:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name, kind):
        return os.path.join(self.folder, f'{name}.{kind}.json')

    def read(self, name, kind):
        with open(self.path(name, kind), encoding='utf-8') as f:
            return json.load(f)

    def mock(self, name):
        path = self.path(name, 'mock')
        return ['--mock', path + '#Bench'] if os.path.exists(path) else []


def verify(what, got, want):
    if got != want:
        fail(f'{what}: the output is wrong: {json.dumps(got)[:300]}')


# Each engine has round(): {series: {"run": seconds, "total": seconds or None}}.

class Aslc:
    """Compiled and interpreted, in turn within a round."""
    def __init__(self, aslc, files, name, budget):
        self.words = [aslc, 'bench', files.path(name, 'asl'), '--input', files.path(name, 'input'), '--format', 'json', *files.mock(name)]
        self.name, self.expected = name, files.read(name, 'expected')
        self.transitions = files.read(name, 'meta')['transitions']
        first = self.bench(1)
        once = max(first[s]['total_s'] for s in ('compiled', 'interpreted'))
        self.runs = max(5, min(5001, int(budget / once)))
        self.allocations = first['compiled']['allocations']

    def bench(self, runs):
        out = json.loads(command([*self.words, '--runs', runs]))
        if not out['output_matches']:
            fail(f'{self.name}: compiled and interpreted give different outputs')
        verify(f'{self.name}, aslc', out['output'], self.expected)
        if out['transitions'] != self.transitions:
            fail(f"{self.name}: {out['transitions']} transitions, not {self.transitions}")
        return out

    def round(self):
        out = self.bench(self.runs)
        return {s: {'run': out[s]['median_s'], 'total': out[s]['total_s']} for s in ('compiled', 'interpreted')}

    def close(self):
        pass


class Limit:
    def __init__(self, work, files, name, level, budget):
        self.words = [os.path.join(work, 'limit'), files.folder, name, level]
        self.name, self.level, self.expected = name, level, files.read(name, 'expected')
        self.runs = 1
        self.runs = max(5, min(100001, int(budget / max(self.run()['total_s'], 1e-7))))

    def run(self):
        out = json.loads(command([*self.words, self.runs]))
        verify(f'{self.name}, level {self.level}', out['output'], self.expected)
        return out

    def round(self):
        out = self.run()
        return {f'level {self.level}': {'run': out['run_s'], 'total': out['total_s']}}

    def close(self):
        pass


class Peer:
    """A Node that stays. name may be the workload's smaller size; times are scaled to the full one's transitions."""
    def __init__(self, node, modules, files, engine, name, full, budget):
        self.engine, self.name, self.expected = engine, name, files.read(name, 'expected')
        self.scale = files.read(full, 'meta')['transitions'] / files.read(name, 'meta')['transitions']
        self.process = subprocess.Popen([node, os.path.join(HERE, 'peer.mjs'), engine, modules, files.folder, name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        once = self.ask('warm 1')['seconds']
        self.runs = max(1, min(1000, int(budget / once)))

    def ask(self, line):
        try:
            self.process.stdin.write(line + '\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            fail(f'{self.engine} ends in the middle of {self.name}')
        return json.loads(answer)

    def round(self):
        out = self.ask(f'run {self.runs}')
        verify(f'{self.name}, {self.engine}', out['output'], self.expected)
        return {self.engine: {'run': statistics.median(out['seconds']) * self.scale, 'total': None}}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def summary(values):
    return {'median': statistics.median(values), 'least': min(values), 'most': max(values)}


def measure_workload(args, files, name):
    budget = 0.15 if args.quick else 0.5
    engines = [Aslc(args.aslc, files, name, budget)]
    engines += [Limit(args.work, files, name, level, budget) for level in LEVELS.get(name, [])]
    if args.node:
        small = args.quick and os.path.exists(files.path(name + '.small', 'input'))
        engines.append(Peer(args.node, args.modules, files, PEERS[name], name + '.small' if small else name, name, budget))
    rounds = []
    for r in range(args.rounds):
        say(f'{name}: round {r + 1} of {args.rounds}')
        one = {}
        for e in engines:
            one.update(e.round())
        rounds.append(one)
    for e in engines:
        e.close()
    result = {'transitions': engines[0].transitions, 'allocations': engines[0].allocations, 'series': {}, 'ratios': {},
              'small_peer': bool(args.node and small)}
    for series in rounds[0]:
        result['series'][series] = {what: summary([r[series][what] for r in rounds]) if rounds[0][series][what] is not None else None
                                    for what in ('run', 'total')}
        for what in ('run', 'total'):
            if series != 'compiled' and rounds[0][series][what] is not None:
                result['ratios'].setdefault(series, {})[what] = summary([r[series][what] / r['compiled'][what] for r in rounds])
    return result


def spawn(work, rounds, commands, stdin=None):
    words = [os.path.join(work, 'spawn'), rounds, *(['--stdin', stdin] if stdin else [])]
    for c in commands:
        words += ['--', *c]
    return [json.loads(line) for line in command(words).splitlines()]


def build(args, definition, name, *options):
    out = os.path.join(args.work, name)
    command([args.aslc, 'build', *options, '-o', out, definition])
    return out


def measure_hello(args, files):
    """Whole processes. Node's takes a thousand times as long, so it has rounds of its own after the others'."""
    say('hello: whole processes')
    definition = files.path('hello', 'asl')
    own = {'hello, static': build(args, definition, 'hello-static', '-s', '--static'), 'hello': build(args, definition, 'hello', '-s')}
    commands = {'empty C program, static, musl': [os.path.join(args.work, 'empty')],
                'empty C program, static, glibc': [os.path.join(args.work, 'empty-glibc')], **{n: [p] for n, p in own.items()}}
    for path in own.values():
        verify('hello', json.loads(command([path], stdin=subprocess.DEVNULL)), {'hello': 'world'})
    sizes = {n: os.path.getsize(p) for n, p in own.items()}
    many = 51 if args.quick else 301
    rows = [{'program': n, **row, 'size': sizes.get(n)} for n, row in zip(commands, spawn(args.work, many, commands.values()))]
    if args.node:
        modules = args.modules
        cli = [args.node, os.path.join(modules, 'aws-local-stepfunctions', 'bin', 'CLI.cjs'), '-f', definition, '{}']
        # the CLI takes its input from a pipe if there is one, so it gets the same words there
        stdin = os.path.join(args.work, 'hello.stdin')
        with open(stdin, 'w', encoding='utf-8') as f:
            f.write('{}\n')
        rows.append({'program': 'aws-local-stepfunctions', **spawn(args.work, 7, [cli], stdin)[0], 'size': None})
    return rows


def measure_memory(args, files):
    say('memory')
    rows = {}
    map_10k = build(args, files.path('map-10k', 'asl'), 'map-10k-static', '-s', '--static')
    ours, limit = spawn(args.work, 7, [[map_10k, '--input', files.path('map-10k', 'input')],
                                       [os.path.join(args.work, 'limit'), files.folder, 'map-10k', 'ii', '1']])
    rows['map-10k'] = {'ours_kb': ours['resident_kb'], 'limit_kb': limit['resident_kb']}
    for items in (25000, 50000, 100000):
        path = os.path.join(args.work, f'map-{items}.json')
        with open(path, 'w', encoding='utf-8') as f:
            json.dump({'items': [{'i': k, 'v': f'value-{k:05d}'} for k in range(items)]}, f, separators=(',', ':'))
        rows[f'map of {items}'] = {'ours_kb': spawn(args.work, 3, [[map_10k, '--input', path]])[0]['resident_kb']}
    return rows


def measure_builds(args):
    spec = importlib.util.spec_from_file_location('limits', os.path.join(os.path.dirname(HERE), 'limits', 'run.py'))
    limits = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(limits)
    rows = {}
    for states in (20, 500):
        say(f'building a workflow of {states} states')
        path = os.path.join(args.work, f'states-{states}.asl.json')
        with open(path, 'w', encoding='utf-8') as f:
            json.dump(limits.order_workflow(states), f)
        rounds = 3 if args.quick and states == 500 else 7
        rows[str(states)] = spawn(args.work, rounds, [[args.aslc, 'build', '-o', os.path.join(args.work, 'built'), path]])[0]
    return rows


def measure_threads(args, files):
    """map-10k's shape with items that keep a processor busy. None while programs do not have --threads."""
    path = os.path.join(args.work, 'threads.asl.json')
    states = {'Set': {'Type': 'Pass', 'Parameters': {'n': 0, 'limit': 100000}, 'Next': 'Check'},
              'Check': {'Type': 'Choice', 'Choices': [{'Variable': '$.n', 'NumericLessThanPath': '$.limit', 'Next': 'Add'}], 'Default': 'Done'},
              'Add': {'Type': 'Pass', 'Parameters': {'n.$': 'States.MathAdd($.n, 1)', 'limit.$': '$.limit'}, 'Next': 'Check'},
              'Done': {'Type': 'Succeed'}}
    with open(path, 'w', encoding='utf-8') as f:
        json.dump({'StartAt': 'Each', 'States': {'Each': workloads.inline_map(states, 'Set')}}, f)
    program = build(args, path, 'threads', '-s')
    if '--threads' not in command([program, '--help']):
        return None
    say('threads')
    words = [program, '--input', files.path('map-10k', 'input'), '--threads']
    one, two = spawn(args.work, args.rounds, [[*words, '1'], [*words, '2']])
    return {'one_s': one['wall_s'], 'two_s': two['wall_s'], 'processors': len(os.sched_getaffinity(0))}


def machine():
    model = 'unknown processor'
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    return {'processor': model, 'processors': len(os.sched_getaffinity(0)), 'system': platform.platform(), 'load': os.getloadavg()[0],
            'date': time.strftime('%Y-%m-%d')}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--aslc', required=True)
    p.add_argument('--work', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--node')
    p.add_argument('--modules')
    p.add_argument('--rounds', type=int, default=7)
    p.add_argument('--quick', action='store_true')
    p.add_argument('workloads', nargs='*')
    args = p.parse_args()
    for name in args.workloads:
        if name not in NAMES:
            p.error(f'there is no workload {name}; there are {", ".join(NAMES)}')
    files = Files(os.path.join(args.work, 'asl'))
    result = {'machine': machine(), 'rounds': args.rounds, 'quick': args.quick, 'versions': {}, 'workloads': {}}
    if args.node:
        result['versions']['node'] = command([args.node, '--version']).strip()
        for module in ('aws-local-stepfunctions', 'jsonata'):
            with open(os.path.join(args.modules, module, 'package.json'), encoding='utf-8') as f:
                result['versions'][module] = json.load(f)['version']
    for name in args.workloads or NAMES:
        result['workloads'][name] = measure_workload(args, files, name)
    if not args.workloads:
        result['hello'] = measure_hello(args, files)
        result['memory'] = measure_memory(args, files)
        result['builds'] = measure_builds(args)
        result['threads'] = measure_threads(args, files)
    result['machine']['load_after'] = os.getloadavg()[0]
    say('')
    with open(args.out, 'w', encoding='utf-8') as f:
        json.dump(result, f, indent=1)
        f.write('\n')


main()
