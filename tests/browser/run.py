#!/usr/bin/env python3
"""The HTML report in a real browser: headless Chromium opens pages and says what it sees.

    tests/browser/run.py --make-page PROGRAM [--recorded FOLDER] [--shots FOLDER] [NAME...]

PROGRAM is make_page.c. --recorded: recorded executions (GROUP/NAME.json); a sample of them is opened, too. --shots keeps
pictures of every scenario, for people to look at.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import chromium
import night_job
import scenarios

SKIPPED = 77
SECONDS = 2.0        # a report of 10,000 events opens in less,
SIZE = 5_000_000     # and is smaller

LOOK = '''({
  ready: Number(document.documentElement.dataset.ready || 0),
  title: document.title,
  status: document.querySelector('.status').textContent,
  numbers: Object.fromEntries([...document.querySelectorAll('.numbers > div')].map(d => [d.children[0].textContent, d.children[1].textContent])),
  states: Object.fromEntries([...document.querySelectorAll('#graph [data-state]')].map(g => [g.dataset.state, g.getAttribute('class').split(' ')[1].slice(3)])),
  strokes: [...new Set([...document.querySelectorAll('#graph .body')].map(b => getComputedStyle(b).stroke))].length,
  trouble: (document.getElementById('trouble') || {}).textContent || '',
  hit: [...document.querySelectorAll('#trouble .hit')].map(d => d.textContent),
  rows: [...document.querySelectorAll('#rows .row')].map(r => r.querySelector('.rowname').textContent),
  row_count: document.getElementById('timeline-count').textContent,
  events: [...document.querySelectorAll('#table .event')].map(r => r.querySelector('.c-type').textContent),
  event_count: document.getElementById('events-count').textContent,
  details: document.getElementById('event').textContent,
  inspector: document.getElementById('inspector').textContent,
  wide: document.documentElement.scrollWidth,
  foreign: document.querySelectorAll('img, iframe, object, embed, link, body script:not(#data) ~ script ~ script').length,
  ground: getComputedStyle(document.body).backgroundColor,
})'''


class Wrong(Exception):
    pass


def expect(what, got, want=True):
    if got != want:
        raise Wrong(f'{what}: {str(got)[:300]}, not {str(want)[:300]}')


class Report:
    """A page on disk and how it is opened."""

    def __init__(self, browser, program, shots):
        self.browser, self.program, self.shots = browser, program, shots
        self.folder = tempfile.TemporaryDirectory(prefix='aslc-report-')

    def make(self, name, definition, description, history):
        paths = []
        for part, value in (('definition', definition), ('description', description), ('history', history)):
            paths.append(os.path.join(self.folder.name, f'{part}.json'))
            with open(paths[-1], 'w') as f:
                f.write(value if isinstance(value, str) else json.dumps(value, indent=2 if part == 'definition' else None))
        self.path = os.path.join(self.folder.name, 'report.html')
        self.name = name
        with open(self.path, 'wb') as f:
            subprocess.run([self.program, *paths], stdout=f, check=True)
        return os.path.getsize(self.path)

    def open(self, width=1440, height=1000, **how):
        self.browser.size(width, height, **how)
        self.seconds = self.browser.open(self.path)
        look = self.look()
        if self.shots:
            kind = 'phone' if how.get('phone') else 'dark' if how.get('dark') else 'desktop'
            self.browser.screenshot(os.path.join(self.shots, f'{self.name}-{kind}.png'), whole=True)
        if not look['ready']:
            raise Wrong('the page did not come to its end')
        expect('wider than its window', look['wide'] <= width)
        expect('elements that nobody made', look['foreign'], 0)
        return look

    def look(self):
        problems = self.browser.problems()
        if problems:
            raise Wrong('; '.join(problems[:3]))
        return self.browser.evaluate(LOOK)

    def do(self, script):
        self.browser.evaluate(script)
        self.browser.evaluate('new Promise(done => setTimeout(() => requestAnimationFrame(done), 200))')
        return self.look()


def night(report):
    size = report.make('night', *night_job.night_job())
    expect(f'size of {size}', size < SIZE)
    seen = report.open()
    times = [report.seconds] + [(report.open(), report.seconds)[1] for _ in range(2)]
    expect(f'opened in {min(times):.2f} s', min(times) < SECONDS)
    print(f'   11,896 events: {size / 1e6:.2f} MB, drawn {min(times):.2f} s after it was asked for, its scripts took {seen["ready"]} ms')
    expect('title', seen['title'], 'Failed · NightlyOrders · 2024-06-11')
    expect('events', seen['numbers']['Events'], '11,896')
    expect('items', seen['numbers']['Map items'], '1 failed, 999 succeeded')
    states = seen['states']
    expect('states', len(states), 18)
    for name, status in {'Charge': 'failed', 'FulfilOrders': 'failed', 'Ship': 'succeeded', 'FetchOrders': 'succeeded', 'AlertOnCall': 'none', 'RefreshStock': 'none'}.items():
        expect(name, states[name], status)
    expect('colours', seen['strokes'] >= 3)
    for text in ('PaymentGateway.Unavailable', 'FulfilOrders [617]', 'attempt 4 of 4', '503 from https://pay.example', 'O-20240611617'):
        expect(text, text in seen['trouble'])
    expect('first line of the failing state', '"Charge": {' in seen['hit'][0])
    expect('timeline', [r for r in seen['rows'] if r in ('Item 617', 'Attempt 4', 'Items 500–599')], ['Item 617', 'Attempt 4', 'Items 500–599'])
    expect('table in sight', len(seen['events']) > 15 and len(seen['events']) < 60)
    expect('the event of the failure', 'LambdaFunctionFailed' in seen['details'])
    # A state of the graph filters the rest, and the chip ends that.
    seen = report.do("document.querySelector('[data-state=Ship]').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    expect('events of Ship', seen['event_count'], '1,235 of 11,896 events')
    expect('rows of Ship', seen['row_count'], '247 rows')
    expect('its facts', '247 succeeded' in seen['inspector'])
    seen = report.do("document.querySelector('#chosen button').click()")
    expect('all events', seen['event_count'], '11,896 events')
    # Search and kinds.
    seen = report.do("search.value = 'unavailable [617]'; search.dispatchEvent(new Event('input'))")
    expect('found', seen['event_count'], '4 of 11,896 events')
    seen = report.do("search.value = ''; search.dispatchEvent(new Event('input')); kind.value = 'ChoiceStateExited'; kind.dispatchEvent(new Event('change'))")
    expect('of one type', set(seen['events']), {'ChoiceStateExited'})
    seen = report.do("kind.value = ''; kind.dispatchEvent(new Event('change')); table.scrollTop = 5000 * 28")
    expect('scrolled', len(seen['events']) > 15)
    # The table and the timeline by keyboard.
    report.do("document.querySelector('#table .event').click(); document.querySelector('#table .current').focus()")
    before = report.look()['details']
    report.browser.key('ArrowDown')
    expect('an event further', report.do('1')['details'] != before)
    report.do("document.getElementById('rows').scrollTop = 0; ")
    report.do("document.querySelector('#rows .row').focus()")
    rows = report.look()['row_count']
    report.browser.key('ArrowRight')
    expect('a row opened', report.do('1')['row_count'] != rows)
    report.browser.key('Enter')
    expect('a row chosen', report.do('1')['event_count'], '8 of 11,896 events')
    for button in ('time-in', 'time-out', 'time-fit', 'zoom-in', 'zoom-out', 'zoom-fit'):
        report.do(f"document.getElementById('{button}').click()")
    report.do("document.getElementById('time-axis').value = 'order'; document.getElementById('time-axis').dispatchEvent(new Event('change'))")
    report.do("document.querySelector('#definition').open = true; document.querySelector('.io').open = true")
    # Dark, and on a phone.
    light = seen['ground']
    expect('dark', report.open(dark=True)['ground'] != light)
    seen = report.open(360, 780, phone=True)
    expect('on a phone', len(seen['events']) > 5 and seen['states']['Charge'] == 'failed')
    # On paper the events are a list.
    report.browser.size(1000, 1400)
    report.browser.open(report.path)
    pdf = report.browser.call('Page.printToPDF', printBackground=True)['data']
    expect('a PDF', pdf[:5], 'JVBER')
    report.look()


def two_hundred(report):
    report.make('two-hundred', *scenarios.two_hundred_states())
    seen = report.open()
    expect('states', len(seen['states']), 200)
    expect('Step120', seen['states']['Step120'], 'caught')
    expect('Broken', seen['states']['Broken'], 'failed')
    expect('Step150', seen['states']['Step150'], 'none')
    expect('what was caught before', 'Step120 Odd' in seen['trouble'])
    shape = report.browser.evaluate("(() => { const b = document.querySelector('#graph svg').viewBox.baseVal; return b.width })()")
    expect(f'a width of {shape:.0f}', shape < 1200)
    # No box lies on another one.
    expect('boxes that overlap', report.browser.evaluate('''(() => {
        const boxes = [...document.querySelectorAll('#graph .body')].map(b => b.getBBox());
        let n = 0;
        boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => { if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height) n++; }));
        return n;
    })()'''), 0)
    report.open(360, 780, phone=True)


def running(report):
    definition, description, history = scenarios.running()
    report.make('running', definition, description, history)
    seen = report.open()
    expect('status', seen['status'], '…Running')
    expect('Wait a little', seen['states']['Wait a little'], 'running')
    expect('the loop in groups', seen['row_count'], '28 rows')
    report.make('without-definition', '', description, history)
    expect('states seen', set(report.open()['states']), {'Submit', 'Wait a little', 'Poll', 'Done?'})
    report.make('one-line', json.dumps(definition), description, history)
    seen = report.do("1") if report.open() is None else report.do("document.querySelector('[data-state=Submit]').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    expect('laid out anew', 'one line there' in seen['inspector'])


def timed_out(report):
    report.make('timed-out', *scenarios.timed_out())
    seen = report.open()
    for name, status in {'Outer': 'timed-out', 'Each': 'timed-out', 'Slow': 'timed-out', 'Pause': 'timed-out', 'Left': 'succeeded', 'Right': 'caught', 'After': 'none'}.items():
        expect(name, seen['states'][name], status)
    expect('where it was', 'while in Outer · branch 2 › Slow, Outer · branch 1 › Each [4] › Both · branch 2 › Pause' in seen['trouble'])


def redriven(report):
    report.make('redriven', *scenarios.redriven())
    seen = report.open()
    expect('redrives', seen['numbers']['Redrives'], '1')
    expect('states', seen['states'], {'First': 'succeeded', 'Each': 'succeeded', scenarios.HOSTILE: 'succeeded', 'Last': 'succeeded'})
    expect('items', seen['numbers']['Map items'], '2 succeeded')
    report.do("document.querySelector('.io').open = true")


def cut_short(report):
    failed, redriven = scenarios.cut_short()
    report.make('cut-short', *failed)
    seen = report.open()
    expect('states', seen['states'], {'Each': 'failed', 'Charge': 'failed', 'Both': 'aborted', 'Pack': 'aborted', 'Label': 'succeeded'})
    seen = report.do("search.value = 'WaitStateAborted'; search.dispatchEvent(new Event('input'))")
    expect('which Wait was stopped', report.browser.evaluate("document.querySelector('.c-state').textContent"), 'Pack[0] #1')
    report.make('cut-short-redriven', *redriven)
    seen = report.open()
    expect('states', set(seen['states'].values()), {'succeeded'})
    expect('items', seen['numbers']['Map items'], '2 succeeded')
    expect('states entered', seen['numbers']['States entered'], '9')


def stopped(report):
    report.make('stopped', *scenarios.stopped())
    seen = report.open()
    expect('Sleep', seen['states']['Sleep'], 'aborted')
    expect('why', 'Operator' in seen['trouble'] and 'enough' in seen['trouble'])


def broken(report):
    report.make('empty', '', '{}', '{}')
    expect('status', report.open()['status'], 'Nothing recorded')
    report.make('broken', '{"StartAt": "A", "States": {"A": ', '{"status":', '{"events":[')
    report.open()
    report.make('odd', {'StartAt': 7, 'States': {'A': None, 'B': {'Type': 'Choice', 'Choices': [None, {'Next': 3}]}, 'C': {'Type': 'Parallel', 'Branches': 4}}}, {'status': 'FAILED'},
                {'events': [1, None, {}, {'id': 'x', 'type': 5}, {'type': 'TaskStateExited', 'id': 3, 'previousEventId': 9}, {'type': 'ExecutionFailed', 'id': 4, 'previousEventId': 3},
                            {'type': 'MapStateStarted', 'id': 5}, {'type': 'ParallelStateStarted', 'id': 6, 'previousEventId': 5}, {'type': 'EvaluationFailed', 'id': 7}]})
    report.open()


def recorded(report, folder):
    """Every recorded execution that forks, or ends badly in an odd way: coloured are exactly the states that were entered."""
    paths = [p for group in ('map', 'parallel', 'catch', 'timeout', 'retry') for p in sorted(glob.glob(os.path.join(folder, group, '*.json')))][::2]
    if not paths:
        print('   SKIPPED: there are no recorded executions here')
    for path in paths:
        with open(path) as f:
            case = json.load(f)
        want = case.get('expect', {})
        if 'history' not in want or want.get('historyNormalised') or not isinstance(case['definition'], dict):
            continue
        events, entered = [], set()
        for i, event in enumerate(want['history']):
            event = json.loads(json.dumps(event))
            event['timestamp'] = scenarios.START + i / 4
            for details in event.values():
                for key in ('input', 'output', 'cause', 'parameters') if isinstance(details, dict) else ():
                    if key in details and not isinstance(details[key], str):
                        details[key] = json.dumps(details[key])
            if event['type'].endswith('StateEntered'):
                entered.add(event['stateEnteredEventDetails']['name'])
            events.append(event)
        report.make('recorded', case['definition'], {'status': want['status'], 'startDate': scenarios.START}, {'events': events})
        states = report.open()['states']
        expect(f'{path}: states entered', {s for s, c in states.items() if c != 'none'}, entered)
        red = {s for s, c in states.items() if c in ('failed', 'timed-out')}
        expect(f'{path}: states in red', bool(red), want['status'] in ('FAILED', 'TIMED_OUT'))


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--make-page', required=True)
    options.add_argument('--recorded', default='')
    options.add_argument('--shots', default='')
    options.add_argument('names', nargs='*')
    o = options.parse_args()
    program = chromium.find()
    if not program:
        print('SKIPPED: no Chromium is installed (Debian: chromium), so no report was looked at')
        return SKIPPED
    if o.shots:
        os.makedirs(o.shots, exist_ok=True)
    cases = {f.__name__: f for f in (night, two_hundred, running, timed_out, redriven, cut_short, stopped, broken)}
    cases['recorded'] = lambda report: recorded(report, o.recorded)
    failed = 0
    with chromium.Browser(program) as browser:
        report = Report(browser, os.path.abspath(o.make_page), o.shots)
        for name, case in cases.items():
            if o.names and name not in o.names:
                continue
            try:
                case(report)
                print(f'ok {name}')
            except (Wrong, chromium.Failed, subprocess.CalledProcessError) as e:
                failed += 1
                print(f'FAILED {name}: {e}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
