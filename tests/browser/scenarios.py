"""Executions that ended, or did not end, in one way or another: each gives (definition, description, history)."""
import json

START = 1718100000.0
HOSTILE = '</script><img src=x onerror=alert(1)><!--'


def task(**more):
    return dict({'Type': 'Task', 'Resource': 'arn:aws:states:::lambda:invoke'}, **more)


class History:
    def __init__(self):
        self.events, self.now = [], START

    def __call__(self, kind, previous, key=None, after=0.1, **details):
        self.now += after
        event = {'timestamp': round(self.now, 3), 'type': kind, 'id': len(self.events) + 1, 'previousEventId': previous}
        if key:
            event[key + 'EventDetails'] = details
        self.events.append(event)
        return len(self.events)

    def enter(self, kind, previous, name, **more):
        return self(kind + 'StateEntered', previous, 'stateEntered', name=name, input='{}', **more)

    def exit(self, kind, previous, name, **more):
        return self(kind + 'StateExited', previous, 'stateExited', name=name, output='{}', **more)

    def attempt(self, previous, error=None):
        e = self('TaskScheduled', previous, 'taskScheduled', resourceType='lambda', resource='invoke', region='r', parameters='{"a":1}')
        e = self('TaskStarted', e, 'taskStarted', resourceType='lambda', resource='invoke')
        if error:
            return self('TaskFailed', e, 'taskFailed', after=1, error=error, cause='this and that ' + HOSTILE)
        return self('TaskSucceeded', e, 'taskSucceeded', after=1, output='{"ok":1}')

    def task(self, previous, name, error=None):
        e = self.attempt(self.enter('Task', previous, name), error)
        return e if error else self.exit('Task', e, name)

    def done(self, definition, status, **more):
        description = dict({'executionArn': 'arn:aws:states:r:1:execution:M:E', 'name': 'E', 'status': status, 'startDate': START}, **more)
        if status != 'RUNNING':
            description['stopDate'] = round(self.now, 3)
        return definition, description, {'events': self.events}


def two_hundred_states():
    """Choices that skip and go back, one handler for every error, and the way there."""
    states = {}
    for i in range(180):
        after = f'Step{i + 1:03d}' if i < 179 else 'Finish'
        if i % 6 == 2:
            states[f'Step{i:03d}'] = {'Type': 'Choice', 'Default': after, 'Choices': [
                {'Variable': '$.kind', 'StringEquals': 'express', 'Next': f'Step{min(179, i + 3):03d}'},
                {'Variable': '$.again', 'BooleanEquals': True, 'Next': f'Step{i - 2:03d}'}]}
        elif i % 6 == 4:
            states[f'Step{i:03d}'] = {'Type': 'Wait', 'Seconds': 5, 'Next': after}
        elif i % 6 == 5:
            states[f'Step{i:03d}'] = {'Type': 'Pass', 'Next': after}
        else:
            states[f'Step{i:03d}'] = task(Next=after, Catch=[{'ErrorEquals': ['States.ALL'], 'Next': 'Notify'}])
    states.update({f'Clean{i:02d}': task(Next=f'Clean{i + 1:02d}' if i < 16 else 'Broken') for i in range(17)})
    states.update(Notify=task(Next='Clean00'), Broken={'Type': 'Fail', 'Error': 'Broken'}, Finish={'Type': 'Succeed'})
    h = History()
    h('ExecutionStarted', 0, 'executionStarted', input='{}')
    e = 0
    for i in range(121):
        name, kind = f'Step{i:03d}', states[f'Step{i:03d}']['Type']
        if kind == 'Task':
            e = h.task(e, name, 'Odd' if i == 120 else None)
        else:
            e = h.exit(kind, h.enter(kind, e, name), name, after=5 if kind == 'Wait' else 0.01)
    e = h.task(h.exit('Task', e, 'Step120'), 'Notify')
    for i in range(17):
        e = h.task(e, f'Clean{i:02d}')
    h('ExecutionFailed', h.enter('Fail', e, 'Broken'), 'executionFailed', error='Broken')
    return h.done({'StartAt': 'Step000', 'States': states}, 'FAILED', error='Broken')


POLL = {'StartAt': 'Submit', 'States': {
    'Submit': task(Next='Wait a little'), 'Wait a little': {'Type': 'Wait', 'Seconds': 30, 'Next': 'Poll'}, 'Poll': task(Next='Done?'),
    'Done?': {'Type': 'Choice', 'Default': 'Wait a little', 'Choices': [
        {'And': [{'Variable': '$.status', 'StringEquals': 'DONE'}, {'Variable': '$.n', 'NumericGreaterThan': 3}], 'Next': 'Collect'}]},
    'Collect': task(End=True)}}


def running(rounds=900):
    h = History()
    h('ExecutionStarted', 0, 'executionStarted', input='{}')
    e = h.task(0, 'Submit')
    for _ in range(rounds):
        e = h.task(h.exit('Wait', h.enter('Wait', e, 'Wait a little'), 'Wait a little', after=30), 'Poll')
        e = h.exit('Choice', h.enter('Choice', e, 'Done?'), 'Done?')
    h.enter('Wait', e, 'Wait a little')
    return h.done(POLL, 'RUNNING')


def timed_out():
    """A Parallel in a Map in a Parallel."""
    inner = {'StartAt': 'Both', 'States': {'Both': {'Type': 'Parallel', 'End': True, 'Branches': [
        {'StartAt': 'Left', 'States': {'Left': task(End=True)}},
        {'StartAt': 'Right', 'States': {'Right': task(Next='Pause', Catch=[{'ErrorEquals': ['Odd'], 'Next': 'Skip'}]),
                                        'Pause': {'Type': 'Wait', 'Seconds': 3, 'End': True}, 'Skip': {'Type': 'Pass', 'End': True}}}]}}}
    definition = {'StartAt': 'Outer', 'TimeoutSeconds': 60, 'States': {
        'Outer': {'Type': 'Parallel', 'Next': 'After', 'Branches': [
            {'StartAt': 'Each', 'States': {'Each': {'Type': 'Map', 'ItemProcessor': inner, 'End': True}}},
            {'StartAt': 'Slow', 'States': {'Slow': {'Type': 'Wait', 'Seconds': 600, 'End': True}}}]},
        'After': {'Type': 'Pass', 'End': True}}}
    h = History()
    h('ExecutionStarted', 0, 'executionStarted', input='{}')
    started = h('ParallelStateStarted', h.enter('Parallel', 0, 'Outer'))
    each = h.enter('Map', started, 'Each')
    h.enter('Wait', started, 'Slow')
    items = h('MapStateStarted', each, 'mapStateStarted', length=5)
    for i in range(5):
        e = h('ParallelStateStarted', h.enter('Parallel', h('MapIterationStarted', items, 'mapIterationStarted', name='Each', index=i), 'Both'))
        h.task(e, 'Left')
        r = h.task(e, 'Right', 'Odd' if i == 2 else None)
        if i == 4:
            h.enter('Wait', r, 'Pause')
            break
        if i == 2:
            r = h.exit('Pass', h.enter('Pass', h.exit('Task', r, 'Right'), 'Skip'), 'Skip')
        else:
            r = h.exit('Wait', h.enter('Wait', r, 'Pause'), 'Pause', after=3)
        h('ParallelStateSucceeded', r)
        h('MapIterationSucceeded', h.exit('Parallel', r, 'Both'), 'mapIterationSucceeded', name='Each', index=i)
    h('ExecutionTimedOut', 0, 'executionTimedOut', after=45, error='States.Timeout')
    return h.done(definition, 'TIMED_OUT', error='States.Timeout')


def redriven():
    """An item failed, was redriven and went on; its state has a name that would be markup."""
    definition = {'StartAt': 'First', 'States': {
        'First': task(Next='Each'), 'Last': {'Type': 'Succeed'},
        'Each': {'Type': 'Map', 'Next': 'Last', 'ItemProcessor': {'StartAt': HOSTILE, 'States': {HOSTILE: task(End=True)}}}}}
    h = History()
    h('ExecutionStarted', 0, 'executionStarted', input=json.dumps({'x': HOSTILE + '\u2028\u0000'}))
    e = h('MapStateStarted', h.enter('Map', h.task(0, 'First'), 'Each'), 'mapStateStarted', length=2)
    first, second = (h('MapIterationStarted', e, 'mapIterationStarted', name='Each', index=i) for i in (0, 1))
    h('MapIterationSucceeded', h.task(first, HOSTILE), 'mapIterationSucceeded', name='Each', index=0)
    e = h.task(second, HOSTILE, 'E<b>')
    h('MapIterationFailed', e, 'mapIterationFailed', name='Each', index=1)
    h('ExecutionFailed', h('MapStateFailed', e), 'executionFailed', error='E<b>', cause=HOSTILE)
    e = h('ExecutionRedriven', len(h.events), 'executionRedriven', after=600, redriveCount=1)
    e = h.exit('Task', h.attempt(e), HOSTILE)
    h('MapStateSucceeded', h('MapIterationSucceeded', e, 'mapIterationSucceeded', name='Each', index=1))
    e = h.exit('Succeed', h.enter('Succeed', h.exit('Map', len(h.events) - 1, 'Each'), 'Last'), 'Last')
    h('ExecutionSucceeded', e, 'executionSucceeded', output='{"done":true}')
    return h.done(definition, 'SUCCEEDED', output='{"done":true}', redriveCount=1)


def cut_short():
    """The second item fails while a Wait in a branch of the first is not over; both are redriven."""
    definition = {'StartAt': 'Each', 'States': {'Each': {'Type': 'Map', 'End': True, 'ItemProcessor': {'StartAt': 'Charge', 'States': {
        'Charge': task(Next='Both'),
        'Both': {'Type': 'Parallel', 'End': True, 'Branches': [
            {'StartAt': 'Pack', 'States': {'Pack': {'Type': 'Wait', 'Seconds': 9, 'End': True}}},
            {'StartAt': 'Label', 'States': {'Label': {'Type': 'Pass', 'End': True}}}]}}}}}}
    h = History()
    h('ExecutionStarted', 0, 'executionStarted', input='{}')
    e = h('MapStateStarted', h.enter('Map', 0, 'Each'), 'mapStateStarted', length=2)
    first, second = (h('MapIterationStarted', e, 'mapIterationStarted', name='Each', index=i) for i in (0, 1))

    def both(e):
        e = h('ParallelStateStarted', h.enter('Parallel', e, 'Both'))
        pack = h.enter('Wait', e, 'Pack')
        h.exit('Pass', h.enter('Pass', e, 'Label'), 'Label')
        return pack

    def finish(pack, index):
        e = h.exit('Wait', pack, 'Pack', after=9)
        h('ParallelStateSucceeded', e)
        return h('MapIterationSucceeded', h.exit('Parallel', e, 'Both'), 'mapIterationSucceeded', name='Each', index=index)
    both(h.task(first, 'Charge'))
    e = h.task(second, 'Charge', 'Odd')
    h('MapIterationFailed', e, 'mapIterationFailed', name='Each', index=1)
    h('TaskStateAborted', e)
    h('MapIterationAborted', e, 'mapIterationAborted', name='Each', index=0)
    h('WaitStateAborted', e)
    h('ParallelStateAborted', e)
    ended = h('ExecutionFailed', h('MapStateFailed', e), 'executionFailed', error='Odd')
    half = h.done(definition, 'FAILED', error='Odd')[:2] + ({'events': h.events[:]},)
    e = h('ExecutionRedriven', ended, 'executionRedriven', after=100, redriveCount=1)
    charge, pack = h.attempt(e), h.enter('Wait', e, 'Pack')
    finish(pack, 0)
    e = finish(both(h.exit('Task', charge, 'Charge')), 1)
    h('MapStateSucceeded', e)
    h('ExecutionSucceeded', h.exit('Map', e, 'Each'), 'executionSucceeded', output='{}')
    return half, h.done(definition, 'SUCCEEDED', output='{}', redriveCount=1)


def stopped():
    h = History()
    h('ExecutionStarted', 0, 'executionStarted', input='{}')
    h.enter('Wait', 0, 'Sleep')
    h('ExecutionAborted', 0, 'executionAborted', after=7, error='Operator', cause='enough')
    return h.done({'StartAt': 'Sleep', 'States': {'Sleep': {'Type': 'Wait', 'Seconds': 90, 'End': True}}}, 'ABORTED', error='Operator', cause='enough')
