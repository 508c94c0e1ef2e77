"""What the Python test runners share: running commands, comparing JSON, and one report.

Every runner prints one line for each case that fails and a last line `N passed, N failed, N skipped`, and exits 1 when
something failed. They use Python's standard library only.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROJECT = os.path.dirname(TESTS)
SKIPPED = 77  # the exit status that ctest shows as "Skipped"


class Skip(Exception):
    """Raised by a case that cannot run here; its text says why."""


def run(argv, timeout=60, **options):
    """Runs a command. Text in, text out; a signal or a time-out becomes a failure with a clear text."""
    options.setdefault('stdin', subprocess.DEVNULL if 'input' not in options else None)
    if options['stdin'] is None:
        del options['stdin']
    try:
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                              encoding='utf-8', errors='replace', **options)
    except subprocess.TimeoutExpired as e:
        text = lambda b: b.decode('utf-8', 'replace') if isinstance(b, bytes) else (b or '')
        return subprocess.CompletedProcess(argv, 'timed out', text(e.stdout), text(e.stderr))


def arguments(doc):
    """The command line that runners of cases have in common."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--aslc', required=True)
    parser.add_argument('--match', default='', help='only cases with this in their name')
    parser.add_argument('--jobs', type=int, default=jobs())
    parser.add_argument('-v', '--verbose', action='store_true')
    return parser


def short(value, limit=300):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit - 3] + '...'


def parsed(text):
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def differs(want, got, at=''):
    """None when two JSON values are equal, else a text that names the first difference. Numbers compare by value; the
    order of keys does not count, unlike in `same_text`."""
    here = at or '/'
    if isinstance(want, bool) or isinstance(got, bool) or want is None or got is None:
        return None if want is got else f'{here}: want {short(want)}, got {short(got)}'
    if isinstance(want, (int, float)) and isinstance(got, (int, float)):
        same = want == got or abs(want - got) <= 1e-12 * max(abs(want), abs(got))
        return None if same else f'{here}: want {want}, got {got}'
    if isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            return f'{here}: want {len(want)} elements, got {len(got)}: {short(got)}'
        for i, (w, g) in enumerate(zip(want, got)):
            d = differs(w, g, f'{at}/{i}')
            if d:
                return d
        return None
    if isinstance(want, dict) and isinstance(got, dict):
        for key in want:
            if key not in got:
                return f'{at}/{key}: missing from {short(got)}'
            d = differs(want[key], got[key], f'{at}/{key}')
            if d:
                return d
        extra = [k for k in got if k not in want]
        return f'{at}/{extra[0]}: not expected: {short(got[extra[0]])}' if extra else None
    if type(want) is type(got):
        return None if want == got else f'{here}: want {short(want)}, got {short(got)}'
    return f'{here}: want {short(want)}, got {short(got)}'


def report(cases, work, jobs=2, verbose=False, quiet_when_empty=False):
    """Runs work(case) for each (name, case); it returns None when all is well, else a text. Returns the exit status."""
    passed, failed, skipped = 0, [], []

    def one(named):
        name, case = named
        try:
            return name, work(case), None
        except Skip as why:
            return name, None, str(why)

    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        for name, problem, why in pool.map(one, cases):
            if why is not None:
                skipped.append(name)
                print(f'skipped {name}: {why}')
            elif problem:
                failed.append(name)
                print(f'FAILED {name}: {problem}')
            else:
                passed += 1
                if verbose:
                    print(f'ok {name}')
    print(f'{passed} passed, {len(failed)} failed, {len(skipped)} skipped')
    sys.stdout.flush()
    if not passed and not failed and not skipped and not quiet_when_empty:
        print('no case was found: a runner that tests nothing must not pass')
        return 1
    if failed:
        return 1
    return SKIPPED if skipped and not passed else 0


def jobs():
    return max(1, min(4, os.cpu_count() or 1))
