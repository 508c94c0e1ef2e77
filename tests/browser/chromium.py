"""A headless Chromium, driven over its debugging pipe: nothing but Python's standard library, and no port is opened."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def find():
    return next((p for p in map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'chrome')) if p), None)


class Failed(Exception):
    pass


class Browser:
    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix='aslc-chromium-')
        to_browser, self.out = os.pipe()
        self.inward, from_browser = os.pipe()

        def at_3_and_4():
            # Both first out of the way: one of them may be 3 or 4 already.
            a, b = os.dup(to_browser), os.dup(from_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)
        self.log = open(os.path.join(self.profile, 'stderr'), 'wb')
        self.process = subprocess.Popen(
            [program, '--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
             '--no-first-run', '--disable-extensions', '--disable-background-networking', '--disable-component-update',
             '--disable-dev-shm-usage', f'--user-data-dir={self.profile}', 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, close_fds=False, preexec_fn=at_3_and_4)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events = b'', 0, []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = None
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def close(self):
        try:
            session, self.session = self.session, None
            self.call('Browser.close', _seconds=5)
        except Failed:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        os.close(self.out)
        os.close(self.inward)
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _message(self, deadline):
        while b'\0' not in self.buffer:
            if not select.select([self.inward], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failed('Chromium does not answer')
            data = os.read(self.inward, 1 << 20)
            if not data:
                with open(self.log.name, 'rb') as f:
                    raise Failed('Chromium ended: ' + f.read()[-500:].decode('utf-8', 'replace'))
            self.buffer += data
        message, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, _seconds=60, **parameters):
        self.number += 1
        request = {'id': self.number, 'method': method, 'params': parameters}
        if getattr(self, 'session', None):
            request['sessionId'] = self.session
        data = json.dumps(request).encode() + b'\0'
        while data:
            data = data[os.write(self.out, data):]
        deadline = time.monotonic() + _seconds
        while True:
            message = self._message(deadline)
            if message.get('id') == self.number:
                if 'error' in message:
                    raise Failed(f'{method}: {message["error"]}')
                return message['result']
            if 'method' in message:
                self.events.append(message)

    def wait(self, method, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            for i, event in enumerate(self.events):
                if event['method'] == method:
                    return self.events.pop(i)['params']
            message = self._message(deadline)
            if 'method' in message:
                self.events.append(message)

    def size(self, width, height, phone=False, dark=False):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call('Emulation.setTouchEmulationEnabled', enabled=phone)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def open(self, path):
        """Returns the seconds until the page had drawn itself."""
        self.events = []
        begin = time.monotonic()
        self.call('Page.navigate', url='file://' + os.path.abspath(path))
        self.wait('Page.loadEventFired')
        self.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
        return time.monotonic() - begin

    def evaluate(self, expression):
        result = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in result:
            raise Failed(str(result['exceptionDetails'].get('exception', {}).get('description', result['exceptionDetails'])))
        return result['result'].get('value')

    def problems(self):
        """What the page has complained of since it was opened."""
        self.evaluate('1')
        found = []
        for event in self.events:
            p = event['params']
            if event['method'] == 'Runtime.exceptionThrown':
                found.append('exception: ' + str(p['exceptionDetails'].get('exception', {}).get('description', p['exceptionDetails'])))
            elif event['method'] == 'Runtime.consoleAPICalled' and p['type'] in ('error', 'warning', 'assert'):
                found.append('console: ' + ' '.join(str(a.get('value', a.get('description'))) for a in p['args']))
            elif event['method'] == 'Log.entryAdded' and p['entry']['level'] in ('error', 'warning'):
                found.append('log: ' + p['entry']['text'])
            elif event['method'] == 'Network.requestWillBeSent' and not p['request']['url'].startswith(('file:', 'about:')):
                found.append('request: ' + p['request']['url'][:100])
        return found

    def key(self, name):
        for kind in ('rawKeyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=name, code=name,
                      windowsVirtualKeyCode={'Tab': 9, 'Enter': 13, 'ArrowDown': 40, 'ArrowUp': 38, 'ArrowRight': 39, 'End': 35}.get(name, 0))

    def screenshot(self, path, whole=False):
        options = {}
        if whole:
            box = self.call('Page.getLayoutMetrics')['cssContentSize']
            options = {'captureBeyondViewport': True, 'clip': {'x': 0, 'y': 0, 'width': box['width'], 'height': box['height'], 'scale': 1}}
        with open(path, 'wb') as f:
            f.write(base64.b64decode(self.call('Page.captureScreenshot', format='png', **options)['data']))
