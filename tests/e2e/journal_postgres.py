"""A PostgreSQL server of our own for tests: on a UNIX socket in a temporary folder, as user postgres when we are root."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import harness


class Server:
    """Raises harness.Skip, with what to install, where there is none."""

    def __init__(self):
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'), key=lambda p: int(p.split('/')[4]))
        if not found:
            raise harness.Skip('there is no initdb in /usr/lib/postgresql (apt-get install postgresql-15)')
        self.binaries = os.path.dirname(found[-1])
        self.user = None
        if os.getuid() == 0:
            try:
                self.user = pwd.getpwnam('postgres')
            except KeyError:
                raise harness.Skip('we are root, and there is no user postgres for the server')
        self.folder = tempfile.mkdtemp(prefix='aslc-pg-')
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.process = None
        self.databases = 0
        p = self.tool('initdb', '-D', self.folder + '/data', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '-N')
        if p.returncode != 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise harness.Skip('initdb does not work here: ' + harness.short(p.stderr))
        self.start()

    def become(self):
        if self.user:
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def tool(self, name, *arguments):
        return harness.run([os.path.join(self.binaries, name), *arguments], preexec_fn=self.become, cwd='/',
                           env={'LC_ALL': 'C', 'PATH': os.environ['PATH']})

    def start(self):
        with open(self.folder + '/log', 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen(
                [self.binaries + '/postgres', '-D', self.folder + '/data', '-c', 'unix_socket_directories=' + self.folder,
                 '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'shared_buffers=16MB', '-c', 'max_connections=40'],
                preexec_fn=self.become, cwd='/', stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while self.sql('postgres', 'select 1').returncode != 0:
            if time.monotonic() > until:
                with open(self.folder + '/log', encoding='utf-8') as log:
                    raise OSError('PostgreSQL does not start: ' + harness.short(log.read()))
            time.sleep(0.05)

    def sql(self, database, text):
        return self.tool('psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', self.folder, '-U', 'postgres', '-d', database, '-c', text)

    def stop(self, how=signal.SIGINT):
        self.process.send_signal(how)
        self.process.wait(timeout=30)

    def database(self):
        """The URL of a new one."""
        self.databases += 1
        name = f'j{self.databases}'
        p = self.sql('postgres', f'create database {name}')
        if p.returncode != 0:
            raise OSError(p.stderr)
        return f'postgres://postgres@/{name}?host={self.folder}'

    def close(self):
        if self.process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
