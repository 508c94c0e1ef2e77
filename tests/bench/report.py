#!/usr/bin/env python3
"""Turns what measure.py has found into a table, a list of what must hold, and a plot.

    report.py RESULTS.json [--docs FOLDER]

Prints Markdown. With --docs it also goes into FOLDER/performance.md, between the lines that begin with
<!-- bench:begin and <!-- bench:end, and the plot into FOLDER/performance.svg.
"""
import argparse
import json
import math
import os
import sys
from html import escape

SERIES = ['compiled', 'interpreted', 'level i', 'level ii', 'npm']
PEERS = ('aws-local-stepfunctions', 'jsonata')

# What issue and design ask for. Times faster than npm's interpreter:
AGAINST_PEER = {'counter-loop': 8000, 'pass-chain': 300, 'choice-ladder': 1000, 'parallel-8': 1000, 'map-10k': 500, 'big-payload': 100,
                'retry-storm': 100}
AGAINST_LEVEL_I = ('counter-loop', 'pass-chain', 'parallel-8')
AGAINST_INTERPRETED = ('counter-loop', 'pass-chain')

# The fastest interpreter that does these correctly cannot be installed by name; its times were taken on a machine where
# level ii of counter-loop took so many seconds, and are scaled by what level ii takes in this run.
RECORDED = {'counter-loop-jsonata': (3.7, 300), 'jsonata-report': (0.096, 20)}
RECORDED_LEVEL_II = 1195e-6

UNSTEADY = 0.2


def digits(x):
    """Three significant digits, without an exponent."""
    if x == 0:
        return '0'
    places = max(0, 2 - math.floor(math.log10(abs(x))))
    return f'{x:,.{min(places, 3)}f}'


def duration(s):
    for unit, name in ((1, 's'), (1e-3, 'ms'), (1e-6, 'µs')):
        if s >= unit:
            return f'{digits(s / unit)} {name}'
    return f'{digits(s * 1e9)} ns'


def series_of(w, name):
    if name == 'npm':
        name = next((p for p in PEERS if p in w['series']), None)
    return name if name in w['series'] else None


def cell(w, name):
    name = series_of(w, name)
    if not name:
        return ''
    run = w['series'][name]['run']
    spread = (run['most'] - run['least']) / 2 / run['median']
    return f"{digits(run['median'] * 1e9 / w['transitions'])} ±{spread * 100:.0f} %"


def table(r):
    peer = 'npm'
    if r['versions']:
        peer = f"npm (aws-local-stepfunctions {r['versions']['aws-local-stepfunctions']}, Node {r['versions']['node'].lstrip('v')})"
    lines = [f'| workload | transitions | compiled | interpreted | C, level i | C, level ii | {peer} | compiled, whole run | text to text |',
             '| --- |' + ' ---: |' * 8]
    for name, w in r['workloads'].items():
        mark = ' (1)' if 'jsonata' in w['series'] else ' (2)' if w['small_peer'] else ''
        c = w['series']['compiled']
        cells = [cell(w, s) for s in SERIES]
        lines.append(f"| {name} | {w['transitions']:,} | " + ' | '.join(cells) + mark +
                     f" | {duration(c['run']['median'])} | {duration(c['total']['median'])} |")
    lines.append('')
    lines.append('Nanoseconds per transition, running only; ± is half the distance from the least to the greatest round.')
    if any('jsonata' in w['series'] for w in r['workloads'].values()):
        lines.append("(1) npm's jsonata, the expressions only: aws-local-stepfunctions gives the input back.")
    if any(w['small_peer'] for w in r['workloads'].values()):
        lines.append('(2) on the smaller input, which favours it.')
    return lines


def ratio(w, name, what='run'):
    """How many times compiled is as fast."""
    name = series_of(w, name)
    return w['ratios'][name][what]['median'] if name and what in w['ratios'].get(name, {}) else None


def wanted(r):
    """[what, wanted, measured, holds]; measured is None when it was not measured, holds when that cannot be told.

    Long processes get slower on a busy machine, in processor time too (caches, memory), and ours are not as long as the
    peer's: with more work than processors such a ratio flatters us, so it is shown and not judged."""
    rows, all_ = [], r['workloads']
    busy = max(r['machine']['load'], r['machine']['load_after']) > r['machine']['processors']

    def at_least(what, least, got, judged=True):
        rows.append([what, f'at least {least:,} times', None if got is None else f'{digits(got)} times',
                     got >= least if got is not None and judged else None])

    def at_most(what, most, got, unit='', judged=True):
        rows.append([what, f'at most {most:,}{unit}', None if got is None else f'{digits(got)}{unit}',
                     got <= most if got is not None and judged else None])

    for name, least in AGAINST_PEER.items():
        if name in all_:
            at_least(f"{name}: compiled against npm's interpreter", least, ratio(all_[name], 'npm'))
    hello = {row['program']: row for row in r.get('hello', [])}
    if hello:
        # Of many short processes the least is what one takes that nobody interrupts; of seven long ones there is none.
        ours = min(hello['hello']['least_s'], hello['hello, static']['least_s'])
        peer = hello.get('aws-local-stepfunctions')
        at_least("hello, whole process: against npm's interpreter", 1000, peer and min(peer['least_s'], peer['cpu_s']) / ours, not busy)
        at_most('hello, whole process: against an empty static C program (musl)', 1.3, ours / hello['empty C program, static, musl']['least_s'], ' times')
    limit = all_.get('counter-loop', {}).get('series', {}).get('level ii')
    for name, (seconds, least) in RECORDED.items():
        if name in all_ and limit:
            scale = limit['run']['median'] / RECORDED_LEVEL_II
            at_least(f'{name}: against {seconds} s of the fastest correct interpreter, recorded elsewhere, here {duration(seconds * scale)}', least,
                     seconds * scale / all_[name]['series']['compiled']['run']['median'])
    for name, w in all_.items():
        for what, most in (('run', 1.0), ('total', 1.2)):
            got = ratio(w, 'level ii', what)
            if got:
                at_most(f"{name}: against C, level ii, {'running' if what == 'run' else 'text to text'}", most, 1 / got, ' times')
    for name in AGAINST_LEVEL_I:
        if name in all_:
            at_most(f'{name}: against C, level i, running', 2, 1 / ratio(all_[name], 'level i'), ' times')
    for name in AGAINST_INTERPRETED:
        if name in all_:
            at_least(f'{name}: compiled against interpreted', 10, ratio(all_[name], 'interpreted'))
    if 'threads' in r:
        t = r['threads']
        rows.append(['two threads against one, map-10k with busy items', 'at least 1.7 times', t and f"{digits(t['one_s'] / t['two_s'])} times",
                     t and t['one_s'] / t['two_s'] >= 1.7])
    if hello:
        at_most('hello, static: peak memory', 2048, hello['hello, static']['resident_kb'], ' KiB')
    if 'memory' in r:
        m = r['memory']
        at_most('map-10k, whole process: peak memory against C, level ii', 1.5, m['map-10k']['ours_kb'] / m['map-10k']['limit_kb'], ' times')
        few, some, many = (m[f'map of {n}']['ours_kb'] for n in (25000, 50000, 100000))
        at_most('Map of 100,000 items: growth from 50,000, against twice that from 25,000 to 50,000', 1.1, (many - some) / (2 * (some - few)), ' times')
    for states, most in (('20', 0.15), ('500', 2)): # one thread that waits for nothing: its processor time is what it takes
        if 'builds' in r:
            at_most(f'aslc build, {states} states', most, min(r['builds'][states]['wall_s'], r['builds'][states]['cpu_s']), ' s', not busy)
    return rows


def wanted_table(r):
    lines = ['| what | wanted | measured | |', '| --- | ---: | ---: | --- |']
    for what, want, got, holds in wanted(r):
        verdict = ('machine too busy to tell' if got else '') if holds is None else 'holds' if holds else '**not yet**'
        lines.append(f"| {what} | {want} | {got or 'not measured'} | {verdict} |")
    return lines


def hello_table(r):
    lines = ['| whole process | wall | least | processor | peak memory | file |', '| --- |' + ' ---: |' * 5]
    for row in r['hello']:
        size = f"{row['size'] / 1024:,.0f} KiB" if row['size'] else ''
        lines.append(f"| {row['program']} | {duration(row['wall_s'])} | {duration(row['least_s'])} | {duration(row['cpu_s'])} | "
                     f"{row['resident_kb']:,} KiB | {size} |")
    return lines


def unsteady(r):
    """The series whose rounds differ so much that their figures mean little."""
    found = []
    for name, w in r['workloads'].items():
        for series, s in w['series'].items():
            if (s['run']['most'] - s['run']['least']) / 2 > UNSTEADY * s['run']['median']:
                found.append(f'{name} ({series})')
    return found


def conditions(r):
    m = r['machine']
    return (f"{m['date']}, {m['processors']} × {m['processor']}, load {m['load']:.1f} before and {m['load_after']:.1f} after; "
            f"medians of {r['rounds']} rounds that alternate between all engines; every output verified.")


def markdown(r):
    lines = [conditions(r), '', *table(r), '']
    if 'hello' in r:
        lines += [*hello_table(r), '']
    if unsteady(r):
        lines += [f"Rounds differ by more than ±{UNSTEADY * 100:.0f} %, so these figures mean little: {', '.join(unsteady(r))}.", '']
    return '\n'.join(lines + wanted_table(r)) + '\n'


# ---------------------------------------------------------------- the plot

STYLE = '''
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a } .right { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #d0d7de; stroke-width: 1 } .row { stroke: #afb8c1; stroke-width: 1; stroke-dasharray: 1 3 }
.s0 { fill: #0550ae; stroke: #0550ae } .s1 { fill: none; stroke: #0550ae; stroke-width: 2 }
.s2 { fill: #1a7f37; stroke: #1a7f37 } .s3 { fill: none; stroke: #1a7f37; stroke-width: 2 } .s4 { fill: #bc4c00; stroke: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d } .row { stroke: #656c76 }
  .s0 { fill: #79c0ff; stroke: #79c0ff } .s1 { stroke: #79c0ff }
  .s2 { fill: #56d364; stroke: #56d364 } .s3 { stroke: #56d364 } .s4 { fill: #ffa657; stroke: #ffa657 }
}'''
LEGEND = ['compiled', 'interpreted', 'C, registers (level i)', 'C, generic values (level ii)', 'npm']


def mark(kind, x, y):
    if kind == 0:
        return f'<circle class="s0" cx="{x:.1f}" cy="{y}" r="5.5"/>'
    if kind == 1:
        return f'<circle class="s1" cx="{x:.1f}" cy="{y}" r="5"/>'
    if kind in (2, 3):
        return f'<path class="s{kind}" d="M{x:.1f} {y - 6}l6 11h-12z"/>'
    return f'<path class="s4" d="M{x:.1f} {y - 6}l6 6-6 6-6-6z"/>'


def axis_label(decade):
    for power, unit in ((9, 's'), (6, 'ms'), (3, 'µs'), (0, 'ns')):
        if decade >= power:
            return f'{10 ** (decade - power):,} {unit}'
    return f'{10 ** decade:.{-decade}f} ns'


def plot(r):
    points = []
    for w in r['workloads'].values():
        points.append([w['series'][series_of(w, s)]['run']['median'] * 1e9 / w['transitions'] if series_of(w, s) else None for s in SERIES])
    values = [p for row in points for p in row if p]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    left, right, top, step = 165, 30, 78, 30
    width, height = 900, top + step * len(points) + 42
    bottom = height - 42

    def x_of(v):
        return left + (math.log10(v) - low) / (high - low) * (width - left - right)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
           'aria-label="Time per transition of each workload, on a logarithmic scale">', f'<style>{STYLE}</style>',
           '<text x="12" y="22" style="font-size:15px;font-weight:600">Time per transition (logarithmic; left is faster)</text>']
    x = 18
    for kind, text in enumerate(LEGEND):
        out += [mark(kind, x, 46), f'<text x="{x + 12}" y="50">{escape(text)}</text>']
        x += 38 + 7 * len(text)
    for decade in range(low, high + 1):
        gx = x_of(10 ** decade)
        out.append(f'<line class="grid" x1="{gx:.1f}" x2="{gx:.1f}" y1="{top - 8}" y2="{bottom}"/>')
        out.append(f'<text class="small middle" x="{gx:.1f}" y="{bottom + 17}">{axis_label(decade)}</text>')
    for i, (name, row) in enumerate(zip(r['workloads'], points)):
        y = top + step * i + step // 2 - 6
        found = [v for v in row if v]
        out.append(f'<text class="right" x="{left - 14}" y="{y + 4}">{escape(name)}</text>')
        out.append(f'<line class="row" x1="{x_of(min(found)):.1f}" x2="{x_of(max(found)):.1f}" y1="{y}" y2="{y}"/>')
        for kind in (4, 3, 2, 1, 0): # what matters most is drawn last
            if row[kind]:
                out.append(f'<g><title>{escape(name)}, {escape(LEGEND[kind])}: {digits(row[kind])} ns</title>{mark(kind, x_of(row[kind]), y)}</g>')
    out.append('</svg>')
    return '\n'.join(out) + '\n'


def write_docs(r, folder):
    path = os.path.join(folder, 'performance.md')
    with open(path, encoding='utf-8') as f:
        lines = f.read().split('\n')
    begin = next((i for i, line in enumerate(lines) if line.startswith('<!-- bench:begin')), None)
    end = next((i for i, line in enumerate(lines) if line.startswith('<!-- bench:end')), None)
    if begin is None or end is None:
        sys.exit(f'{path} has no lines <!-- bench:begin … --> and <!-- bench:end -->')
    with open(path, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines[:begin + 1] + ['', markdown(r)] + lines[end:]))
    with open(os.path.join(folder, 'performance.svg'), 'w', encoding='utf-8') as f:
        f.write(plot(r))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('results')
    p.add_argument('--docs')
    args = p.parse_args()
    with open(args.results, encoding='utf-8') as f:
        r = json.load(f)
    print(markdown(r))
    if args.docs:
        write_docs(r, args.docs)


main()
