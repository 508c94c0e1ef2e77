#!/usr/bin/env python3
"""Fault tests: the nth call of a system call fails, for n = 1, 2, … until a run makes fewer calls than that.

    run.py --victim build/tests/faults_victim --preload build/tests/faults_preload.so [--match TEXT] [-v]

Every run must end by itself: with success (the call was tried again, or did not matter), or with a documented error; and
it must leave no child, no descriptor and no memory behind. What is not ours is listed here by name: where libuv 1.44 ends
the process because a call that it makes for itself has failed (NOT_OURS).
"""
import argparse
import errno
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))
import harness

SCENARIOS = ('exec', 'exec-large', 'exec-several', 'exec-stopped', 'worker', 'worker-large', 'ffi')
FAULTS = (('pipe2', 'EMFILE'), ('socketpair', 'ENFILE'), ('fork', 'EAGAIN'), ('fork', 'ENOMEM'), ('read', 'EIO'),
          ('read', 'EINTR'), ('write', 'EIO'), ('write', 'EINTR'), ('write', 'EAGAIN'), ('epoll_create1', 'EMFILE'),
          ('epoll_ctl', 'ENOMEM'), ('eventfd', 'EMFILE'), ('dup3', 'EMFILE'), ('fcntl', 'EBADF'), ('ioctl', 'EBADF'),
          ('pthread_create', 'EAGAIN'), ('malloc', 'ENOMEM'))
# Where the process may abort. uv__io_poll: epoll_ctl; uv__signal_global_init and uv_loop_init: the pipes and descriptors
# of the first loop; init_threads: the pool's first thread.
NOT_OURS = {'epoll_ctl', 'pthread_create'}
NO_LOOP = 'cannot make an event loop'  # the engine's own words before it aborts, as for memory
NO_MEMORY = 'out of memory'            # allocation does not return NULL: the process says so and aborts
LIMIT = 2000                           # calls; more than any scenario makes


def judge(p, call, cold):
    """None when all is well, else what is wrong; and whether the fault was reached."""
    if call == 'malloc' and p.returncode == -6 and (NO_MEMORY in p.stderr or not p.stderr):
        return None, True  # libuv aborts without a word where it allocates for itself
    if p.returncode == -6 and (call in NOT_OURS or NO_LOOP in p.stderr or (cold and call in ('pipe2', 'eventfd', 'ioctl'))):
        return None, True
    if p.returncode != 0:
        return f'ended with {p.returncode}: {harness.short(p.stderr)}', True
    try:
        got = json.loads(p.stdout)
    except ValueError:
        return f'printed {harness.short(p.stdout)}', True
    if got['message'] and got['hit']:
        return None, True  # refused at the start, with the reason
    for o in got['outcomes']:
        if o['status'] == 'FAILED' and o['error'] == 'States.Timeout':
            continue
        if o['status'] == 'FAILED' and (o['error'] != 'States.TaskFailed' or not o['cause']):
            return f'failed with {o["error"]}: {o["cause"]}', got['hit']
        if o['status'] not in ('SUCCEEDED', 'FAILED'):
            return f'ended as {o["status"]}', got['hit']
        if o['status'] == 'FAILED' and not got['hit']:
            return f'failed though nothing was broken: {o["cause"]}', False
    if got['children'] or got['blocks'] or (got['files'] and not cold):
        return f'left behind: {p.stdout.strip()}', got['hit']
    return None, got['hit']


def check(opt):
    def work(case):
        scenario, call, name, warmth = case
        problems, n = [], 0
        while n < LIMIT:
            n += 1
            argv = [opt.victim, scenario, call, str(n), str(getattr(errno, name))] + ([warmth] if warmth else [])
            env = dict(os.environ, LD_PRELOAD=opt.preload, ASL_KILL_GRACE_MS='200')
            p = harness.run(argv, timeout=20, env=env)
            problem, hit = judge(p, call, not warmth)
            if problem:
                problems.append(f'call {n}: {problem}')
            if not hit:
                return '\n'.join(problems) or None
            if opt.verbose:
                print(f'{scenario} {call} {name} {n} {warmth}: {p.returncode} {p.stdout.strip()[:300]} {p.stderr.strip()[-80:]}')
        return f'more than {LIMIT} calls'
    return work


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--victim', required=True)
    parser.add_argument('--preload', required=True)
    parser.add_argument('--match', default='')
    parser.add_argument('--jobs', type=int, default=harness.jobs())
    parser.add_argument('-v', '--verbose', action='store_true')
    opt = parser.parse_args()
    opt.victim, opt.preload = os.path.abspath(opt.victim), os.path.abspath(opt.preload)
    cases = []
    for scenario in SCENARIOS:
        for call, name in FAULTS:
            for warmth in ('', 'warm'):
                title = f'{scenario}-{call}-{name}{"-warm" if warmth else ""}'
                if opt.match in title and not (warmth and scenario == 'exec-stopped'):
                    cases.append((title, (scenario, call, name, warmth)))
    return harness.report(cases, check(opt), opt.jobs)


if __name__ == '__main__':
    sys.exit(main())
