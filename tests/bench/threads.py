#!/usr/bin/env python3
"""What more than one core brings (issue 5, "Two threads give at least 1.7 times the throughput").

    threads.py --aslc build/compiler/aslc [--runs 9] [--threads 1,2] [--items 10000]

Maps over 10,000 items that compute some 20 to 100 microseconds each, and --each over as many lines. Runs take turns, so that
what else the machine does meets all alike; outputs must be the same. Printed: medians of wall-clock and processor time, the
median of the pairs' ratios, and the best run's. What other processes take from a core is taken from the threads: look at the
load, and at the processor time, which must hardly grow.
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

HASH = "States.Hash(States.JsonToString(States.ArrayRange(0, $.n, 1)), 'SHA-512')"
JSONPATH = {'StartAt': 'A', 'States': {
    'A': {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 'text.$': '$.text', 'h.$': HASH}, 'Next': 'B'},
    'B': {'Type': 'Pass', 'Parameters': {'id.$': '$.id', 's.$': "States.Format('{}-{}', $.text, $.h)"}, 'End': True}}}
JSONATA = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'QueryLanguage': 'JSONata', 'End': True, 'Output': {
    'id': '{% $states.input.id %}', 'sum': '{% $sum([1..$states.input.n].($ * $ % 7)) %}',
    'words': "{% $join($map([1..20], function($v) { $string($v * $states.input.id) }), '-') %}"}}}}


def over(processor, **more):
    return {'StartAt': 'Each', 'States': {'Each': {'Type': 'Map', 'ItemsPath': '$.items', 'ItemProcessor': processor,
                                                   'End': True, **more}}}


WORKLOADS = {
    'JSONPath': (over(JSONPATH), 990, []),
    'ItemSelector': (over(JSONPATH, ItemSelector={'id.$': '$$.Map.Item.Value.id', 'n.$': '$$.Map.Item.Value.n',
                                                  'text.$': '$$.Map.Item.Value.text'}), 990, []),
    'JSONata': (over(JSONATA), 2000, []),
    'each': (JSONPATH, 990, ['--each']),
}


def once(argv):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode:
        sys.exit(f'{argv}: exit status {p.returncode}')
    return p.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--runs', type=int, default=9)
    parser.add_argument('--threads', default='1,2')
    parser.add_argument('--items', type=int, default=10000)
    options = parser.parse_args()
    counts = [int(n) for n in options.threads.split(',')]
    with tempfile.TemporaryDirectory() as folder:
        for name, (definition, n, arguments) in WORKLOADS.items():
            path, program, data = (os.path.join(folder, f) for f in ('w.asl.json', 'w', 'input'))
            json.dump(definition, open(path, 'w'))
            items = [{'id': i, 'n': n, 'text': f'item number {i}'} for i in range(options.items)]
            with open(data, 'w') as f:
                f.write('\n'.join(map(json.dumps, items)) if arguments else json.dumps({'items': items}))
            subprocess.run([options.aslc, 'build', path, '-o', program], check=True)
            runs = {count: [] for count in counts}
            outputs = set()
            for _ in range(options.runs):
                for count in counts:
                    output, wall, cpu = once([program, '--input', data, '--threads', str(count), *arguments])
                    outputs.add(output)
                    runs[count].append((wall, cpu))
            if len(outputs) != 1:
                sys.exit(f'{name}: the outputs differ')
            base = runs[counts[0]]
            for count in counts:
                wall, cpu = (statistics.median(r[i] for r in runs[count]) for i in (0, 1))
                ratio = statistics.median(b[0] / r[0] for b, r in zip(base, runs[count]))
                best = min(b[0] for b in base) / min(r[0] for r in runs[count])
                print(f'{name:14} {count} threads: {wall * 1e3:7.1f} ms, {cpu * 1e3:7.1f} ms of processor time; '
                      f'{ratio:.2f} times the throughput, {best:.2f} of the best runs; load {os.getloadavg()[0]:.1f}')


if __name__ == '__main__':
    main()
