#!/usr/bin/env python3
"""Kills a journalled workflow again and again and compares it with an undisturbed run.

    torture.py --aslc BUILD/compiler/aslc [--kills 60] [--store sqlite|postgres] [--seed 1] [--writes 0]

A workflow with tasks, retries, catchers, waits, branches and items runs with a journal. Its process gets SIGKILL at
random moments (--kills), and at every Nth write to the SQLite journal in turn, before it and after it (--writes: at most
so many, 0: none, -1: all); then the next process goes on. With --store postgres a real server is used, which is itself
restarted now and then. After each execution:

  * the output is that of the undisturbed run, and so are the states entered, however often
  * the history is well-formed: ids 1, 2, 3 …, each event points at an earlier one, what is entered is left, one end
  * no acknowledged step was run twice: once its Succeeded or Failed event is in the journal, its task never starts again
  * none was lost: every Scheduled has its answer, and every task of the history has been called
Exit status 77: PostgreSQL is not installed.
"""
import argparse, collections, json, os, random, re, shutil, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
INPUT = {'order': 7, 'customer': 'Ada', 'items': [f'item {n}' for n in range(6)], 'note': 'x' * 3000}
SCHEDULED = ('TaskScheduled', 'LambdaFunctionScheduled')
ANSWERED = ('TaskSucceeded', 'TaskFailed', 'LambdaFunctionSucceeded', 'LambdaFunctionFailed')


class Postgres:
    """A server of our own in a folder of our own, reached through a UNIX socket."""
    def __init__(self, folder):
        self.bin = next((d for d in ('/usr/lib/postgresql/%d/bin' % v for v in range(18, 11, -1)) if os.path.exists(d + '/initdb')), None)
        if not self.bin:
            print('SKIPPED: PostgreSQL is not installed (apt-get install postgresql)')
            sys.exit(77)
        self.folder = os.path.join(folder, 'pg')
        os.mkdir(self.folder)
        self.user = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, 'postgres')
            os.chmod(folder, 0o755)
            self.user = ['runuser', '-u', 'postgres', '--']
        self.command('initdb', '-D', f'{self.folder}/data', '-A', 'trust', '-U', 'aslc', '--no-sync')
        self.start()
        self.url = f'postgres://aslc@/postgres?host={self.folder}'

    def command(self, name, *args):
        subprocess.run(self.user + [f'{self.bin}/{name}', *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self.command('pg_ctl', '-D', f'{self.folder}/data', '-w', '-l', f'{self.folder}/log',
                     '-o', f"-k {self.folder} -c listen_addresses='' -c fsync=off", 'start')

    def restart(self):
        self.stop(random.choice(('fast', 'immediate')))
        self.start()

    def stop(self, mode='immediate'):
        self.command('pg_ctl', '-D', f'{self.folder}/data', '-w', '-m', mode, 'stop')


class Bench:
    def __init__(self, opt, folder):
        self.opt, self.folder = opt, folder
        self.exe, self.task, self.killer = (os.path.join(folder, n) for n in ('order', 'task', 'killer.so'))
        subprocess.run([opt.aslc, 'build', os.path.join(HERE, 'order.asl.json'), '-o', self.exe], check=True)
        subprocess.run(['cc', '-O1', os.path.join(HERE, 'task.c'), '-o', self.task], check=True)
        subprocess.run(['cc', '-O1', '-shared', '-fPIC', os.path.join(HERE, 'killer.c'), '-o', self.killer, '-ldl'], check=True)
        self.input = os.path.join(folder, 'input.json')
        with open(self.input, 'w') as f:
            json.dump(INPUT, f)
        self.server = Postgres(folder) if opt.store == 'postgres' else None
        self.number = 0

    def fresh(self):
        """A new execution: its name, its log of calls, its store."""
        self.number += 1
        self.name = f'run-{self.number}'
        self.log = os.path.join(self.folder, f'calls-{self.number}')
        self.store = self.server.url if self.server else 'sqlite:' + os.path.join(self.folder, f'{self.number}.db')
        self.acknowledged, self.calls_then = set(), 0
        open(self.log, 'w').close()

    def args(self, *more):
        return [self.exe, *more, '--store', self.store]

    def start(self, **environment):
        return subprocess.Popen(
            self.args('--name', self.name, '--input', self.input, '--bind', f'*=exec:{self.task} {self.log} {self.opt.task_us}'),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env={**os.environ, **environment})

    def history(self):
        p = subprocess.run(self.args('history', self.name), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if p.returncode:
            return [] if re.search(b'there is no (execution|journal|file)|no such', p.stderr) else self.fail(p.stderr.decode())
        return json.loads(p.stdout)['events']

    def calls(self):
        with open(self.log) as f:
            return [line.split() for line in f]

    def fail(self, why):
        print(f'FAILED: {self.name}: {why}\n  journal {self.store}, calls {self.log}', file=sys.stderr)
        self.opt.keep = True
        raise SystemExit(1)

    def killed(self):
        """The process is dead: what it had acknowledged must not be called again."""
        self.check_calls()
        answered = self.answered(self.history())
        self.acknowledged |= answered
        self.calls_then = len(self.calls())

    def answered(self, events):
        by_id = {e['id']: e for e in events}
        tokens = set()
        for e in events:
            if e['type'] in ANSWERED:
                at = e
                while at['type'] not in SCHEDULED:
                    at = by_id[at['previousEventId']]
                tokens.add(f'{self.name}/{at["id"]}')
        return tokens

    def check_calls(self):
        for token, state, *_ in self.calls()[self.calls_then:]:
            if token in self.acknowledged:
                self.fail(f'{state} ({token}) was acknowledged and ran again')

    def check_end(self, p, want):
        out, err = p.communicate()
        if p.returncode:
            self.fail(f'exit status {p.returncode}: {err.decode().strip()}')
        if out.decode() != want['output']:
            self.fail(f'output {out.decode()!r}, undisturbed {want["output"]!r}')
        self.check_calls()
        events = self.history()
        self.check_history(events)
        entered = collections.Counter(e['stateEnteredEventDetails']['name'] for e in events if 'stateEnteredEventDetails' in e)
        if entered != want['entered']:
            self.fail(f'states entered {entered}, undisturbed {want["entered"]}')
        types = collections.Counter(e['type'] for e in events)
        if types != want['types']:
            self.fail(f'events {types}, undisturbed {want["types"]}')

    def check_history(self, events):
        if [e['id'] for e in events] != list(range(1, len(events) + 1)):
            self.fail('ids are not 1, 2, 3 …')
        if any(e['previousEventId'] >= e['id'] for e in events):
            self.fail('an event points at one that is not before it')
        if any(b['timestamp'] < a['timestamp'] for a, b in zip(events, events[1:])):
            self.fail('time runs backwards')
        if events[0]['type'] != 'ExecutionStarted' or events[-1]['type'] != 'ExecutionSucceeded':
            self.fail('no start, or no end')
        left = collections.Counter()
        for e in events:
            if 'stateEnteredEventDetails' in e:
                left[e['stateEnteredEventDetails']['name']] += 1
            if 'stateExitedEventDetails' in e:
                left[e['stateExitedEventDetails']['name']] -= 1
        if any(left.values()):
            self.fail(f'entered and not left: {+left}')
        scheduled = {f'{self.name}/{e["id"]}' for e in events if e['type'] in SCHEDULED}
        if self.answered(events) != scheduled:
            self.fail(f'without an answer: {scheduled - self.answered(events)}')
        called = {token for token, *_ in self.calls()}
        if not scheduled <= called:
            self.fail(f'never called: {scheduled - called}')

    def undisturbed(self):
        self.fresh()
        p = self.start()
        out, err = p.communicate()
        if p.returncode:
            self.fail(f'undisturbed: exit status {p.returncode}: {err.decode()}')
        events = self.history()
        self.check_history(events)
        return {'output': out.decode(), 'types': collections.Counter(e['type'] for e in events),
                'entered': collections.Counter(e['stateEnteredEventDetails']['name'] for e in events if 'stateEnteredEventDetails' in e)}


def random_kills(b, want):
    kills = restarts = 0
    while kills < b.opt.kills:
        b.fresh()
        while True:
            p = b.start()
            try:
                # Often soon, sometimes late: an execution meets a few kills and ends.
                p.wait(timeout=random.choice((random.uniform(0.002, 0.05), random.uniform(0.01, 0.6), random.uniform(0.5, 2.5))))
                b.check_end(p, want)
                break
            except subprocess.TimeoutExpired:
                p.kill()
                p.communicate()
                kills += 1
                b.killed()
                if b.server and random.random() < 0.05:
                    b.server.restart()
                    restarts += 1
                if kills >= b.opt.kills:  # the last one may end in peace
                    p = b.start()
                    p.wait()
                    b.check_end(p, want)
                    break
        if b.server is None:
            for name in os.listdir(b.folder):
                if name.startswith(f'{b.number}.db'):
                    os.unlink(os.path.join(b.folder, name))
        if b.server and random.random() < 0.2:  # while it runs
            b.fresh()
            p = b.start()
            time.sleep(random.uniform(0.1, 1.5))
            b.server.restart()
            restarts += 1
            p.wait()
            b.check_end(p, want)
        print(f'\r{kills} kills, {b.number} executions, {restarts} restarts of the server', end='', flush=True)
    print()


def killed_writes(b, want):
    n, tried = 0, 0
    while b.opt.writes < 0 or tried < b.opt.writes:
        n += 1 if b.opt.writes < 0 else random.randint(1, 12)
        died = False
        for after in '01':
            b.fresh()
            p = b.start(LD_PRELOAD=b.killer, KILL_AT=str(n), KILL_AFTER=after)
            p.communicate()
            tried += 1
            if p.returncode == -signal.SIGKILL:
                died = True
                b.killed()
                p = b.start()
                p.wait()
            elif p.returncode:
                b.fail(f'exit status {p.returncode} at write {n}')
            if died:
                b.check_end(p, want)
            for name in os.listdir(b.folder):
                if name.startswith(f'{b.number}.db'):
                    os.unlink(os.path.join(b.folder, name))
        print(f'\rkilled at {n} of its writes', end='', flush=True)
        if not died:
            break
    print()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--aslc', required=True)
    ap.add_argument('--kills', type=int, default=60)
    ap.add_argument('--writes', type=int, default=0)
    ap.add_argument('--store', choices=('sqlite', 'postgres'), default='sqlite')
    ap.add_argument('--task-us', type=int, default=5000, help='how long a task takes')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--keep', action='store_true')
    opt = ap.parse_args()
    opt.aslc = os.path.abspath(opt.aslc)
    random.seed(opt.seed)
    folder = tempfile.mkdtemp(prefix='torture-')
    b = None
    try:
        b = Bench(opt, folder)
        want = b.undisturbed()
        random_kills(b, want)
        if opt.writes and opt.store == 'sqlite':
            killed_writes(b, want)
        print('every execution ended as the undisturbed one; no acknowledged step ran twice, none was lost')
    finally:
        if b and b.server:
            b.server.stop()
        if not opt.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
