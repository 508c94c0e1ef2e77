#!/usr/bin/env python3
"""The differential test of JSONata: generated expressions give what the reference implementation gives.

    jsonata.py --aslc build/compiler/aslc [--reference DIR] [--count 2000] [--seed 1] [--jit 0.02] [--only N] [--keep FILE]
               [--jobs 1]

--reference DIR is where npm has installed the reference: npm install --prefix DIR jsonata@2.2.2 (not part of this
repository; also from JSONATA_REFERENCE). Without it the test is skipped.

Both sides are batch processes. Outcomes are compared as the conformance cases are: a value, nothing, or a mistake must be
on both sides, mistakes by their codes, values as JSON with numbers exactly and members in any order. A sample also runs as
machine code, whose outcome must be the interpreter's. Each pair has its seed: `--only SEED` runs one and shows it whole.
A pair that differs is cut down to something readable. What may differ, and why, is in `explained`.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
sys.path.insert(0, HERE)
import harness
import jsonata_generate as generate
from jsonata_generate import Node

VERSION = '2.2.2'
PATIENCE = 8   # seconds for one answer
CUTTING = 20   # seconds for cutting one pair down


class Batch:
    """A batch process that is started again when it dies or hangs."""

    def __init__(self, argv):
        self.argv, self.p, self.answers = argv, None, None

    def start(self):
        self.p = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, 'TZ': 'UTC'})
        self.answers = queue.Queue()

        def read(stdout, answers):
            for line in stdout:
                answers.put(line)
            answers.put(None)
        threading.Thread(target=read, args=(self.p.stdout, self.answers), daemon=True).start()

    def stop(self):
        if self.p:
            self.p.kill()
            self.p.wait()
            self.p = None

    def ask(self, requests):
        """Outcomes in order. A few requests are under way at once, so that neither side waits for the pipe."""
        out, sent = [], 0
        while len(out) < len(requests):
            if not self.p:
                self.start()
                sent = len(out)
            try:
                while sent < len(requests) and sent - len(out) < 32:
                    self.p.stdin.write(requests[sent])
                    sent += 1
                self.p.stdin.flush()
                line = self.answers.get(timeout=PATIENCE)
            except BrokenPipeError:
                line = self.answers.get()
            except queue.Empty:
                self.stop()
                out.append({'crash': 'hangs'})
                continue
            if line is None:
                status = self.p.wait()
                self.stop()
                out.append({'crash': f'ends with status {status}'})
            else:
                out.append(json.loads(line, parse_int=number, parse_float=float))
        return out


def number(text):
    """As a double: the reference has no other numbers."""
    try:
        return float(text)
    except OverflowError:
        return float('inf') if text[0] != '-' else float('-inf')


def request(expression, document):
    r = {'id': 0, 'expr': expression}
    if document is not ...:
        r['data'] = document
    return (json.dumps(r) + '\n').encode()


def kind(o):
    return next((k for k in ('crash', 'code', 'host', 'undefined', 'result') if k in o), 'none')


def same(want, got):
    w, g = kind(want), kind(got)
    if w != g:
        return False
    if w == 'code':
        return want['code'] == got['code']
    return w == 'undefined' or (w == 'result' and equal(want['result'], got['result']))


def equal(a, b):
    if isinstance(a, (bool, type(None))) or isinstance(b, (bool, type(None))):
        return a is b
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(v, b[k]) for k, v in a.items())
    return type(a) is type(b) and a == b


class Both:
    def __init__(self, aslc, reference, jit=False):
        engine = ['--engine', 'jit'] if jit else []
        self.ours = Batch([aslc, 'eval', '--batch', '--query-language', 'jsonata'] + engine)
        self.reference = Batch(['node', os.path.join(HERE, 'jsonata_reference.js'), reference])

    def ask(self, pairs):
        requests = [request(e, d) for e, d in pairs]
        want = []
        t = threading.Thread(target=lambda: want.extend(self.reference.ask(requests)))
        t.start()
        got = self.ours.ask(requests)
        t.join()
        return list(zip(want, got))

    def one(self, expression, document):
        return self.ask([(expression, document)])[0]

    def stop(self):
        self.ours.stop()
        self.reference.stop()


# ---------------------------------------------------------------- what may differ
#
# A difference is explained by what the two sides do, not by how the expression looks: by the host's own message, by an
# expression that says the same in another way and on which both agree, by a smaller one that shows both failures. Each
# reason is a decision; docs/jsonata.md has them in the user's words.

def walk(n):
    yield n
    for i in n.holes():
        yield from walk(n.parts[i])


def has_kind(tree, kind):
    return any(n.kind == kind for n in walk(tree))


def replaced(n, at, new):
    if not at:
        return new
    parts = list(n.parts)
    parts[at[0]] = replaced(parts[at[0]], at[1:], new)
    return Node(n.kind, *parts)


def node_at(n, at):
    for i in at:
        n = n.parts[i]
    return n


def rewritten(n, change):
    """The tree with change(node) in each node's place, from the leaves on; None leaves a node as it is."""
    n = Node(n.kind, *(rewritten(p, change) if isinstance(p, Node) else p for p in n.parts))
    return change(n) or n


def agree_on(both, tree, change, document, got):
    """Both sides give our outcome when the same is said in another way."""
    other = rewritten(tree, change)
    if other.text() == tree.text():
        return False
    w, g = both.one(other.text(), document)
    return same(w, g) and same(got, g)


def last_text(n):
    return n.parts[-1] if isinstance(n.parts[-1], str) else ''


# (L) ?: R and (L) ?? R: the left side evaluated once.
def once(n):
    for operator, test in ((' ?: ', 'boolean'), (' ?? ', 'exists')):
        if n.kind == 'any' and n.parts[0] == '(' and operator in n.parts:
            return Node('any', '($once := ', n.parts[1], f'; ${test}($once) ? $once : ', n.parts[-1], ')')
    return None


# The body of a function: what it calls last is no tail call.
def no_tail(n):
    if n.kind != 'function' or last_text(n) != ' }':
        return None
    return Node(n.kind, *n.parts[:-2], '($last := ', n.parts[-2], '; $last)', ' }')


# An order-by, and then its items: not the tuples it has sorted.
def then_items(n):
    ordered = any(isinstance(p, str) and '^(' in p for p in n.parts) and last_text(n).endswith(')')
    return Node('path', n, '.$') if ordered else None


# The terms of an order-by, and nothing compared.
def only_terms(n):
    if n.kind != 'post' or n.parts[1] != '^(':
        return None
    return Node('path', n.parts[0], '.[', n.parts[3], ']')


# A transform: whether its update is a function, told by an error.
def tell_functions(n):
    if n.kind != 'transform' or len(n.parts) < 4 or not isinstance(n.parts[3], Node):
        return None
    u = n.parts[3]
    return Node(n.kind, *n.parts[:3], '$type(', u, ') = "function" ? $error("a function") : ', u, *n.parts[4:])


# A constructor that has a focus or an index, or a block that begins with one: the value of a variable.
def apart(n):
    bound = n.kind == 'post' and isinstance(n.parts[-1], str) and re.match(r'[@#]\$', n.parts[-1])
    return Node(n.kind, '($apart := ', n.parts[0], '; $apart)', *n.parts[1:]) if bound and n.parts[0].text()[:1] in '[(' else None


def constructors(n, at=()):
    """The places of constructors and groups with two parts that may fail, and which parts these are."""
    start = next((i for i, p in enumerate(n.parts) if isinstance(p, str) and p[-1:] in ('[', '{')), None)
    if start is not None and n.kind in ('list', 'post', 'path'):
        parts = [i for i in n.holes() if i > start]
        if len(parts) > 1:
            yield at, parts
    for i in n.holes():
        yield from constructors(n.parts[i], at + (i,))


def concurrent_failures(both, tree, document, want, got, nesting=3):
    """Two elements of one constructor fail: the reference, which evaluates them concurrently, reports either. With all but
    one of the elements left out, both sides agree, whichever it is, and both failures show."""
    if kind(want) not in ('code', 'host') or kind(got) != 'code':
        return False
    for at, parts in constructors(tree):
        constructor, seen = node_at(tree, at), set()
        for i in parts:
            cut = tree
            for k in parts:
                if k != i:
                    cut = replaced(cut, at + (k,), Node('leaf', '"%d"' % k))
            w, g = both.one(cut.text(), document)
            agree = same(w, g) or (kind(w) == 'host' and kind(g) == 'code')
            if not agree and not (nesting and concurrent_failures(both, cut, document, w, g, nesting - 1)):
                break
            seen.update((w.get('code', 'host'), g.get('code')))
        else:
            if want.get('code', 'host') in seen and got['code'] in seen:
                return True
    return False


# Failures of the host where we go on: the message, the kind of node there must be, the reason.
HOST = (
    ('Maximum call stack size exceeded', 'transform', 'a transform puts a value inside itself: values are trees here'),
    ('Converting circular structure', 'transform', 'a transform puts a value inside itself: values are trees here'),
    ('Cannot create property', 'transform', 'a transform sets fields of what is no object: nothing is set'),
    ('Cannot set properties', 'transform', 'a transform sets fields of what is no object: nothing is set'),
    ('Cannot assign to read only property', 'transform', 'a transform sets fields of what is no object: nothing is set'),
    ("Cannot set properties of undefined (setting 'keepSingleton')", '', 'an array is kept of what is nothing'),
    ('input.map is not a function', '', 'a stream from an array constructor with a predicate'),
    ("Cannot read properties of null (reading 'length')", '', 'arithmetic on null in the host'),
    ("Cannot read properties of undefined (reading 'length')", '', 'the length of nothing in the host'),
    ("Cannot read properties of undefined (reading 'toUpperCase')", '', 'a day beyond the calendar has no name'),
    ("Cannot read properties of undefined (reading 'toLowerCase')", '', 'a day beyond the calendar has no name'),
    ('comp is not a function', '', 'a comparator that is a built-in or partial'),
    ('signature.validate is not a function', '', 'a signature is looked at twice'),
    ('Invalid string length', '', 'a text longer than the host allows'),
    ('Cannot convert object to primitive value', '', 'the host converts an object'),
    ('func.apply is not a function', '', 'a built-in that a function calls last is called by another way than others'),
    ('strs.join is not a function', '', 'a partial built-in runs unchecked (11)'),
    ('Invalid code point', '', 'a digit of another family does not shift'),
)


def near(a, b):
    """Equal but for instants that are less than a minute apart, and near the present one."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (abs(a - b) < 60000 and abs(a - time.time() * 1000) < 400 * 86400000)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(near, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(near(v, b[k]) for k, v in a.items())
    return equal(a, b)


def without(v, gone):
    """Without the items that are `gone`; arrays of which one item is left are that item, too."""
    if isinstance(v, list):
        left = [without(x, gone) for x in v if x is not gone]
        return left[0] if len(left) == 1 and len(v) > 1 else left
    if isinstance(v, dict):
        return {k: without(x, gone) for k, x in v.items()}
    return v


def unfilled(v):
    """An array of one null as one of nothing."""
    if isinstance(v, list):
        return [] if v == [None] else [unfilled(x) for x in v]
    if isinstance(v, dict):
        return {k: unfilled(x) for k, x in v.items()}
    return v


def partial_of(text, name):
    return name and re.search(r'\$%s\([^()]*(\([^()]*\)[^()]*)*\?[,)]' % re.escape(name), text)


def explained(both, tree, document, want, got):
    """Why this difference is none, or None."""
    w, g, text, token = kind(want), kind(got), tree.text(), got.get('token')
    if w == 'host' and g == 'code':
        return 'the reference fails without a code (23.21); we fail with one'
    if w == 'host' and g != 'crash':
        for message, needed, why in HOST:
            if want['host'].startswith(message) and (not needed or has_kind(tree, needed) or '$eval(' in text):
                return f'the reference fails without a code: {why}'
    if got.get('code') == 'T0410' and token == 'sift' and w != 'code':
        return '$sift without a function fails in the host (23.21) unless there is no field; we fail with T0410'
    if got.get('code') == 'T0410' and token in ('replace', 'split') and want.get('code') != 'T0410':
        return '$split and $replace take what is nothing for the text "undefined" (23.21); we fail with T0410'
    if got.get('code') == 'T0410' and partial_of(text, token):
        return 'a partial built-in runs unchecked (11): what the host makes of the wrong type is not the language'
    if got.get('code') == 'D3012' and w != 'code':
        return 'a function replaces a text: the reference puts in the source of its own function, we fail with D3012'
    if w == g == 'result' and '{"implementation": ' in json.dumps(want['result']):
        return 'the reference shows the members of its own object for a function'
    if want.get('changed'):
        return 'the reference changes the document while it reads it'
    if w == g == 'result' and near(want['result'], got['result']):
        return 'parts that a timestamp leaves out are those of the present instant'
    if w == g == 'result' and equal(unfilled(want['result']), unfilled(got['result'])):
        return 'the reference puts undefined into an empty array of which an object is made'
    if w == g == 'result' and equal(without(want['result'], True), without(got['result'], True)) and '*' in text:
        return 'a wildcard shows a mark of the reference\'s own arrays'
    if (w == g == 'code' and {want['code'], got['code']} == {'T2007', 'T2008'}) and any('^(' in p for n in walk(tree) for p in n.parts if isinstance(p, str)):
        return 'order-by compares in another order: which of two mismatches it meets first is free'
    if w == g == 'code' and want['code'] in ('T2007', 'T2008'):
        a, b = both.one(rewritten(tree, only_terms).text(), document)
        if a.get('code') == b.get('code') == got['code']:
            return 'the terms of an order-by are computed before any is compared'
    if got.get('code') == 'T2011' and w != 'code':
        if all(o.get('code') == 'D3137' for o in both.one(rewritten(tree, tell_functions).text(), document)):
            return "a transform's update that is a function: there its host object's fields are set, here it is no object"
    if agree_on(both, tree, once, document, got):
        return 'the reference evaluates the left side of ?: and ?? twice, and a regex there is another the first time'
    if agree_on(both, tree, no_tail, document, got):
        return 'what a function calls last has the caller\'s context in the reference'
    if agree_on(both, tree, then_items, document, got):
        return 'behind the order-by of a stream, the reference shows its tuples to predicates and groups'
    if agree_on(both, tree, apart, document, got):
        return 'a focus or index on an array constructor binds nothing in the reference'
    if w == g == 'code' and re.search(r'[@#]\$|%\.|\.%', text) and document is not ...:
        for smaller in smaller_documents(document):
            if all(o.get('code') == got['code'] for o in both.one(text, smaller)):
                return 'several tuples of a stream fail: ours go one by one, those of the reference step by step'
    if concurrent_failures(both, tree, document, want, got):
        return 'two elements of a constructor fail, and the order of their evaluation is free (5)'
    return None


# ---------------------------------------------------------------- cutting down

def cuts(n, at=()):
    """Smaller trees than the one at `at`: what takes its place."""
    for i in n.holes():
        yield at, n.parts[i]
    if n.kind != 'leaf' and n.holes():
        for leaf in ('1', '"a"', '$', 'a', '[]'):
            yield at, Node('leaf', leaf)
    if n.kind in ('list', 'call', 'path', 'any'):
        for i in n.holes():  # an element with the separator before it, or with the one after it
            if i > 1 or n.kind == 'path':
                yield at, Node(n.kind, *n.parts[:max(i - 1, 0)], *n.parts[i + 1:])
            if i + 2 < len(n.parts):
                yield at, Node(n.kind, *n.parts[:i], *n.parts[i + 2:])
    if n.kind == 'block':
        for i in n.holes():
            if i >= 1 and i + 1 < len(n.parts) and n.parts[i + 1] == '; ':
                name = n.parts[i - 1]
                yield at, Node(n.kind, *n.parts[:i - 1], '(' if name.startswith('(') else '', *n.parts[i + 2:])
    for i in n.holes():
        yield from cuts(n.parts[i], at + (i,))


def smaller_documents(v):
    if v is ...:
        return
    if isinstance(v, dict):
        for k in v:
            yield {n: x for n, x in v.items() if n != k}
        for k in v:
            for smaller in smaller_documents(v[k]):
                yield {**v, k: smaller}
    elif isinstance(v, list):
        for i in range(len(v)):
            yield v[:i] + v[i + 1:]
        for i, x in enumerate(v):
            for smaller in smaller_documents(x):
                yield v[:i] + [smaller] + v[i + 1:]
    elif v not in (0, 1, None, ''):
        yield 1
    if isinstance(v, (dict, list)) and v:
        yield 1


def shrunk(both, tree, document, want, got, rounds=400):
    """Cut down as long as the two sides still differ in the same way."""
    way, end = (kind(want), kind(got)), time.monotonic() + CUTTING

    def still(t, d):
        nonlocal want, got
        if time.monotonic() > end or len(t.text()) + len(json.dumps(d if d is not ... else 0)) > 4000:
            return False
        w, g = both.one(t.text(), d)
        if (kind(w), kind(g)) != way or same(w, g) or explained(both, t, d, w, g):
            return False
        want, got = w, g
        return True
    for _ in range(rounds):
        size = len(tree.text())
        for at, new in cuts(tree):
            candidate = replaced(tree, at, new)
            if len(candidate.text()) < size and still(candidate, document):
                tree = candidate
                break
        else:
            break
    for _ in range(rounds):
        for candidate in smaller_documents(document):
            if still(tree, candidate):
                document = candidate
                break
        else:
            break
    return tree, document, want, got


# ---------------------------------------------------------------- the run

def short(o):
    return harness.short({k: v for k, v in o.items() if k in ('crash', 'code', 'host', 'undefined', 'result')}, 200)


def kept(seed, tree, document, want, got):
    return {'seed': seed, 'expr': tree.text(), **({} if document is ... else {'data': document}), 'want': want, 'got': got}


class Run:
    def __init__(self, o):
        self.o, self.lock = o, threading.Lock()
        self.reasons, self.kinds, self.failures, self.explained = collections.Counter(), collections.Counter(), [], []

    def chunk(self, seeds):
        both = Both(self.o.aslc, self.o.reference)
        jit = Both(self.o.aslc, self.o.reference, jit=True)
        try:
            pairs = [generate.pair(s) for s in seeds]
            asked = [(t.text(), d) for t, d in pairs]
            sample = max(1, round(len(seeds) * self.o.jit)) if self.o.jit else 0
            compiled = jit.ours.ask([request(e, d) for e, d in asked[:sample]])
            for i, (want, got) in enumerate(both.ask(asked)):
                with self.lock:
                    self.kinds[kind(want)] += 1
                self.judge(both, seeds[i], *pairs[i], want, got)
                if i < sample and not same(got, compiled[i]):
                    self.fail(seeds[i], pairs[i], 'machine code differs from the interpreter', got, compiled[i])
        finally:
            both.stop()
            jit.stop()

    def judge(self, both, seed, tree, document, want, got):
        if same(want, got):
            return
        if kind(want) == 'crash':
            with self.lock:
                self.reasons['the reference ' + want['crash']] += 1
            return
        why = explained(both, tree, document, want, got)
        if why:
            with self.lock:
                self.reasons[why] += 1
                self.explained.append({'why': why, **kept(seed, tree, document, want, got)})
            return
        again = both.one(tree.text(), document)
        if same(*again):
            why = 'midnight passed between the two' if 'illis' in tree.text() else None
            if why:
                return
        small = shrunk(both, tree, document, want, got)
        self.fail(seed, small[:2], 'differs from the reference', *small[2:])

    def fail(self, seed, pair, what, want, got):
        tree, document = pair
        data = 'undefined' if document is ... else json.dumps(document)
        with self.lock:
            self.failures.append(kept(seed, tree, document, want, got))
            if len(self.failures) <= 200:
                print(f'FAILED --only {seed}: {what}\n  {tree.text()}\n  on {harness.short(data)}\n  want {short(want)}\n  got  {short(got)}', flush=True)


def main():
    sys.stdout.reconfigure(errors='backslashreplace')
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--aslc', required=True)
    p.add_argument('--reference', default=os.environ.get('JSONATA_REFERENCE', ''))
    p.add_argument('--count', type=int, default=2000)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--jit', type=float, default=0.02, help='the part that also runs as machine code')
    p.add_argument('--only', type=int)
    p.add_argument('--keep', help='writes what differs to this file, one JSON object a line; what is explained has "why"')
    p.add_argument('--jobs', type=int, default=1)
    o = p.parse_args()
    if not shutil.which('node') or not os.path.exists(os.path.join(o.reference, 'node_modules/jsonata/package.json')):
        print(f'SKIPPED: the reference implementation of JSONata is not installed; npm install --prefix DIR jsonata@{VERSION}, then '
              '--reference DIR or JSONATA_REFERENCE=DIR')
        return harness.SKIPPED
    with open(os.path.join(o.reference, 'node_modules/jsonata/package.json'), encoding='utf-8') as f:
        if json.load(f)['version'] != VERSION:
            print(f'SKIPPED: the reference implementation in {o.reference} is not version {VERSION}')
            return harness.SKIPPED
    run = Run(o)
    if o.only is not None:
        tree, document = generate.pair(o.only)
        print(tree.text())
        print('undefined' if document is ... else json.dumps(document))
        both = Both(o.aslc, o.reference)
        for name, outcome in zip(('want', 'got '), both.one(tree.text(), document)):
            print(name, json.dumps(outcome))
        both.stop()
        seeds = [[o.only]]
    else:
        # Seeds of different runs do not meet: a run has a million of its own.
        all_seeds = [o.seed * 1000000 + i for i in range(o.count)]
        seeds = [all_seeds[i:i + 1000] for i in range(0, len(all_seeds), 1000)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=o.jobs) as pool:
        list(pool.map(run.chunk, seeds))
    if o.keep:
        with open(o.keep, 'w', encoding='utf-8') as f:
            f.writelines(json.dumps(x) + '\n' for x in run.failures + run.explained)
    print('the reference gave: ' + ', '.join(f'{n} {k}' for k, n in run.kinds.most_common()))
    for why, n in run.reasons.most_common():
        print(f'explained, {n}: {why}')
    total = sum(run.kinds.values())
    print(f'{total - len(run.failures)} passed, {len(run.failures)} failed, 0 skipped')
    return 1 if run.failures or not total else 0


if __name__ == '__main__':
    sys.exit(main())
