"""Random but valid workflows in the JSONPath form of the language, for the differential test.

generate(seed) gives (definition, input, mock file). The same seed gives the same workflow. What is generated ends: loops
count down, retries and waits are bounded. generate(seed, computes=True) makes workflows that wait for nothing, most of
them in a loop: what quiet machines take apart; every fourth calculates in JSONata. It need not succeed: a path that finds nothing, an intrinsic that fails and an
error nobody catches are outcomes like any other, which every engine must give in the same words.
"""
import json
import random
import re

LAMBDA = 'arn:aws:lambda:us-east-1:123456789012:function:'
KEYS = ['a', 'b', 'c', 'n', 's', 'list', 'o', 'flag', 'when', 'item']
ERRORS = ['Transient', 'Throttled', 'Broken', 'java.lang.Exception']


class Generator:
    def __init__(self, seed, computes=False, draws=True):
        self.r = random.Random(seed)
        self.computes = computes
        self.draws = draws   # random numbers
        self.count = self.assigned = 0
        self.mocks = {}
        self.variables = set()
        self.risk = self.r.choice([0, 0, 0.2, 0.2, 1])   # how readily paths point at nothing, errors go uncaught, …

    # ---- data
    def chance(self, p):
        return self.r.random() < p

    def risky(self, p):
        return self.r.random() < p * self.risk

    def scalar(self):
        return self.r.choice([lambda: self.r.randint(-20, 50), lambda: self.r.choice([0.5, -1.25, 3.0, 1e3, 2.5]),
                              lambda: self.r.choice(['', 'x', 'abc', 'Ünïcödé ✓', '12', 'a,b;c', '{"k":[1,2]}', 'bad {json']),
                              lambda: self.r.choice([True, False]), lambda: None,
                              lambda: self.r.choice(['2024-02-29T12:00:00Z', '2016-03-14T01:59:00.5+02:00'])])()

    def data(self, depth=0):
        kind = self.r.random()
        if depth >= 3 or kind < 0.5:
            return self.scalar()
        if kind < 0.75:
            return [self.data(depth + 1) for _ in range(self.r.randint(0, 4))]
        return {k: self.data(depth + 1) for k in self.r.sample(KEYS, self.r.randint(0, 4))}

    def input(self):
        """An input in which most generated paths find something."""
        v = {'a': self.data(1), 'b': self.data(1), 'c': self.r.randint(0, 9), 'n': self.r.randint(-5, 60),
             's': self.r.choice(['abc', 'a,b;c', 'Ünïcödé ✓', '']), 'list': [self.data(2) for _ in range(self.r.randint(0, 5))],
             'o': {'a': self.r.randint(0, 9), 's': 'deep', 'list': [1, 2, 3]}, 'flag': self.chance(0.5),
             'when': '2024-02-29T12:00:00Z', 'item': self.scalar()}
        return v

    # ---- paths and calls
    def reference(self, likely=0.9):
        if self.risky(1 - likely):
            return self.r.choice(['$.missing', '$.o.missing', '$.missing.deeper', '$.list[99]'])
        p = self.r.choice(['$', '$.a', '$.b', '$.c', '$.n', '$.s', '$.list', '$.o', '$.o.a', '$.o.list', '$.o.list[1]',
                           "$['flag']", '$.when', '$.item'])
        if self.variables and self.risky(0.3):
            p = '$' + self.r.choice(sorted(self.variables))
        return p

    def path(self):
        if self.chance(0.7):
            return self.reference()
        return self.r.choice(['$.list[*]', '$.list[0:2]', '$.list[-1]', '$.o.*', '$..a', '$.list[?(@.a)]', '$.list[0,1]',
                              '$.o.list[?(@ > 1)]', '$$.Execution.Input', '$$.State.Name', '$$.Execution.Input.n',
                              '$.no[*].such'])

    def argument(self, depth):
        if depth < 2 and self.chance(0.3):
            return self.call(depth + 1)
        return self.r.choice([lambda: self.reference(0.95), lambda: str(self.r.randint(-9, 99)), lambda: "'text'",
                              lambda: "'it\\'s'", lambda: 'null', lambda: 'true', lambda: '1.5'])()

    def call(self, depth=0):
        a = lambda: self.argument(depth)
        return self.r.choice([
            lambda: f"States.Format('{{}} and {{}}', {a()}, {a()})",
            lambda: f"States.Array({', '.join(a() for _ in range(self.r.randint(0, 3)))})",
            lambda: f'States.JsonToString({a()})',
            lambda: f'States.StringToJson({self.reference()})' if self.risky(1) else "States.StringToJson('[1, [2.50], null]')",
            lambda: f'States.MathAdd({self.r.randint(-9, 9)}, {self.r.choice(["$.n", "$.c", "2.5", "-0.5"])})',
            lambda: f'States.ArrayLength({self.r.choice(["$.list", "$.o.list", "$.list[*]"])})',
            lambda: f'States.ArrayPartition($.o.list, {self.r.randint(1, 3)})',
            lambda: f'States.ArrayContains($.list, {a()})',
            lambda: f'States.ArrayUnique(States.Array({a()}, {a()}, {a()}))',
            lambda: f'States.ArrayRange(0, {self.r.randint(0, 12)}, {self.r.randint(1, 4)})',
            lambda: f'States.ArrayGetItem($.o.list, {3 if self.risky(0.3) else self.r.randint(0, 2)})',
            lambda: "States.StringSplit($.s, ',;')",
            lambda: f"States.Hash($.s, '{self.r.choice(['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'])}')",
            lambda: 'States.Base64Encode($.s)',
            lambda: "States.Base64Decode('SGVsbG8=')",
            lambda: 'States.JsonMerge($.o, $.o, false)',
        ] + self.draws * [
            lambda: self.r.choice(['States.UUID()', 'States.MathRandom(1, 1000)', 'States.MathRandom($.n, 1000)']),
        ])()

    def template(self, depth=0):
        t = {}
        keys = KEYS if depth or self.risky(0.5) else ['a', 'b', 'item', 'flag']
        for key in self.r.sample(keys, self.r.randint(1, 4)):
            kind = self.r.random()
            if kind < 0.45:
                t[key + '.$'] = self.path()
            elif kind < 0.7:
                t[key + '.$'] = self.call()
            elif kind < 0.85 or depth >= 2:
                t[key] = self.data(2)
            else:
                t[key] = self.template(depth + 1) if self.chance(0.7) else [self.template(depth + 1), self.scalar()]
        return t

    def keep(self, extra):
        """A template that carries on what later paths look for, so that workflows do not die in their second state."""
        given = {k[:-2] if k.endswith('.$') else k for k in extra}
        return {**{k + '.$': f'$.{k}' for k in KEYS if k not in given}, **extra}

    # ---- rules
    def rule(self, depth=0):
        kind = self.r.random()
        if depth < 2 and kind < 0.15:
            return {'And': [self.rule(depth + 1) for _ in range(self.r.randint(1, 3))]}
        if depth < 2 and kind < 0.3:
            return {'Or': [self.rule(depth + 1) for _ in range(self.r.randint(1, 3))]}
        if depth < 2 and kind < 0.4:
            return {'Not': self.rule(depth + 1)}
        rule = {'Variable': self.reference(0.97)}
        compare = ['Equals', 'LessThan', 'GreaterThan', 'LessThanEquals', 'GreaterThanEquals']
        op, value = self.r.choice([
            lambda: ('Numeric' + self.r.choice(compare), self.r.randint(-5, 40)),
            lambda: ('String' + self.r.choice(compare), self.r.choice(['abc', 'deep', '', 'm'])),
            lambda: ('Numeric' + self.r.choice(compare) + 'Path', self.r.choice(['$.n', '$.c', '$.o.a'])),
            lambda: ('String' + self.r.choice(compare) + 'Path', '$.s'),
            lambda: ('Timestamp' + self.r.choice(compare), self.r.choice(['2024-02-29T12:00:00Z', '2020-01-01T00:00:00+01:00'])),
            lambda: ('BooleanEquals', self.chance(0.5)),
            lambda: ('StringMatches', self.r.choice(['a*', '*b*c', '*', 'Ün*', 'de?p'])),
            lambda: (self.r.choice(['IsNull', 'IsPresent', 'IsNumeric', 'IsString', 'IsBoolean', 'IsTimestamp']), self.chance(0.6)),
        ])()
        rule[op] = value
        return rule

    # ---- states
    def name(self, kind):
        self.count += 1
        return f'{kind} {self.count}'

    def flow(self, state, result=False):
        """The paths round a state's work."""
        if self.chance(0.1):
            state['InputPath'] = self.r.choice(['$.o', None, self.reference()]) if self.risky(0.7) else '$'
        if result and self.chance(0.25):
            state['ResultSelector'] = self.r.choice([{'r.$': '$', 'k': 1}, {'all.$': '$', 'state.$': '$$.State.Name'}])
        if not self.risky(0.25):
            state['ResultPath'] = self.r.choice(['$.item', '$.a', '$.b', '$.o.result', None, '$.new.deep', '$.new.deep.er'])
            if self.risky(0.9):
                state['ResultPath'] = self.r.choice(['$.item.in', '$.a.in.side', '$.new.deep.er.still'])
        if self.chance(0.07):
            state['OutputPath'] = self.reference() if self.risky(0.4) else '$'

    def errors(self, state, targets, timeouts=False):
        names = ERRORS + (['States.Timeout'] if timeouts else [])
        if self.chance(0.5):
            state['Retry'] = [{'ErrorEquals': self.r.sample(names, self.r.randint(1, 2)), 'MaxAttempts': self.r.randint(0, 3),
                               'IntervalSeconds': self.r.randint(1, 4), 'BackoffRate': self.r.choice([1.0, 1.5, 2.0])}]
            if self.chance(0.3):
                state['Retry'][0]['MaxDelaySeconds'] = 5
            if self.chance(0.4):
                state['Retry'].append({'ErrorEquals': [self.r.choice(['States.ALL', 'States.TaskFailed'])], 'MaxAttempts': 1})
        if targets and not self.risky(0.5):
            state['Catch'] = []
            if self.chance(0.5):
                state['Catch'].append({'ErrorEquals': [self.r.choice(names)], 'Next': self.r.choice(targets), 'ResultPath': '$.a'})
            state['Catch'].append({'ErrorEquals': ['States.ALL'], 'Next': self.r.choice(targets),
                                   'ResultPath': self.r.choice(['$.b', '$.item', None])})

    def answers(self, name, calls):
        entries = {}
        for i in range(calls):
            kind = self.r.random()
            if kind < 0.62:
                entries[str(i)] = {'Return': self.r.choice([self.input, self.data, self.scalar])()}
            elif kind < 0.96:
                entries[str(i)] = {'Throw': {'Error': self.r.choice(ERRORS), 'Cause': self.r.choice(['', 'why not', '{"errorMessage":"m"}'])}}
            else:
                entries[str(i)] = {'Hang': True}
        self.mocks[name] = entries

    def machine(self, length, depth, calls=12):
        """A chain of states with jumps forward; returns {"StartAt", "States"}."""
        kinds = ['Pass', 'Pass', 'Task', 'Task', 'Choice', 'Choice', 'Wait']
        if self.computes:
            kinds = ['Pass', 'Pass', 'Pass', 'Choice', 'Choice']
        if depth < 2:
            kinds += ['Map', 'Parallel']
        names = [self.name(self.r.choice(kinds)) for _ in range(length)] + [self.name(self.r.choice(['Pass', 'Succeed', 'Succeed', 'Fail' if self.risky(1) or (depth == 0 and self.chance(0.3)) else 'Pass']))]
        states, outer = {}, set(self.variables)
        for i, name in enumerate(names):
            kind, later = name.split()[0], names[i + 1:]
            state = {'Type': kind}
            following = later[0] if later else None
            if kind == 'Pass':
                if self.chance(0.4):
                    state['Result'] = self.data()
                    self.flow(state)
                    if 'ResultPath' not in state:
                        state['ResultPath'] = '$.item'
                else:
                    state['Parameters'] = self.template() if self.risky(0.2) else self.keep(self.template())
                    if self.chance(0.2):
                        state['ResultPath'] = '$.b'
                self.assign_new(state)
            elif kind == 'Task':
                state['Resource'] = LAMBDA + f'f{self.count}'
                if self.chance(0.5):
                    state['Parameters'] = self.template()
                if self.chance(0.3):
                    state['TimeoutSeconds'] = self.r.randint(1, 30)
                else:
                    state['TimeoutSeconds'] = 600
                self.flow(state, True)
                self.errors(state, later, True)
                self.answers(name, calls)
            elif kind == 'Choice':
                state['Choices'] = []
                for _ in range(self.r.randint(1, 3)):
                    rule = self.rule()
                    rule['Next'] = self.r.choice(later)
                    state['Choices'].append(rule)
                if not self.risky(0.15):
                    state['Default'] = following
            elif kind == 'Wait':
                how = self.r.random()
                if how < 0.5:
                    state['Seconds'] = self.r.randint(0, 100)
                elif how < 0.8:
                    state['SecondsPath'] = self.r.choice(['$.n', '$.s', '$.missing']) if self.risky(0.6) else '$.c'
                else:
                    state['TimestampPath'] = '$.s' if self.risky(0.4) else '$.when'
            elif kind == 'Parallel':
                state['Branches'] = [self.machine(self.r.randint(1, 3), depth + 1, calls) for _ in range(self.r.randint(1, 3))]
                if self.chance(0.3):
                    state['Parameters'] = self.keep({'branch': True})
                self.flow(state, True)
                self.errors(state, later)
            elif kind == 'Map':
                state['ItemsPath'] = '$.s' if self.risky(0.1) else self.r.choice(['$.list', '$.o.list'])
                if not self.computes or self.chance(0.6):
                    state['ItemSelector'] = self.keep({'item.$': '$$.Map.Item.Value', 'a.$': '$$.Map.Item.Index', 'b': None})
                state['MaxConcurrency'] = self.r.choice([0, 2]) if self.computes else 1   # the order in which iterations take a mock's answers
                state['ItemProcessor'] = self.machine(self.r.randint(1, 3), depth + 1, calls * 5)
                self.flow(state, True)
                self.errors(state, later)
            elif kind == 'Fail':
                if self.chance(0.5):
                    state.update({'Error': self.r.choice(ERRORS), 'Cause': 'as written'})
                else:
                    state.update({'ErrorPath': "States.Format('E{}', $.n)", 'CausePath': self.r.choice(['$.s', '$.missing'])})
            if kind in ('Pass', 'Task', 'Wait', 'Parallel', 'Map'):
                if following:
                    state['Next'] = following
                else:
                    state['End'] = True
            states[name] = state
        reachable, todo = set(), [names[0]]
        while todo:
            s = todo.pop()
            if s in reachable:
                continue
            reachable.add(s)
            v = states[s]
            todo += [x for x in [v.get('Next'), v.get('Default')] + [c['Next'] for c in v.get('Choices', [])] +
                     [c['Next'] for c in v.get('Catch', [])] if x]
        self.variables = outer | (self.variables if depth == 0 else set())
        return {'StartAt': names[0], 'States': {n: s for n, s in states.items() if n in reachable}}

    def assign_new(self, state):
        """A variable gets a value here; other states may read it, before that too, which is an error at run time."""
        if self.chance(0.15):
            self.assigned += 1
            name = f'v{self.assigned}'
            state['Assign'] = {name + '.$': '$'} if self.chance(0.5) else {name: self.scalar()}
            self.variables.add(name)


def used_states(machine, out):
    for name, state in machine['States'].items():
        out.add(name)
        for inner in state.get('Branches', []) + [state[k] for k in ('ItemProcessor', 'Iterator') if k in state]:
            used_states(inner, out)
    return out


def looped(g, definition):
    """The whole machine as the body of a loop that counts $.c down; it ends when a path in it loses the counter. Some wait
    before the loop or behind it: then the loop alone is warm (compiler/emit/heat.c)."""
    states = definition['States']
    for state in states.values():
        if state.pop('End', False):
            state['Next'] = 'Step'
    states['Step'] = {'Type': 'Pass', 'Parameters': g.keep({'c.$': 'States.MathAdd($.c, -1)'}), 'Next': 'Loop'}
    states['Loop'] = {'Type': 'Choice', 'Default': 'Done', 'Choices': [
        {'Variable': '$.c', g.r.choice(['NumericGreaterThan', 'NumericGreaterThanEquals']): g.r.choice([0, 0, 0.5]),
         'Next': definition['StartAt']}]}
    states['Done'] = {'Type': 'Succeed'}
    if not any(s.get('Next') == 'Step' for s in states.values()):
        del states['Step']
    start = 'Loop'
    if g.chance(0.2):
        start = 'Before'
        states['Before'] = {'Type': 'Wait', 'Seconds': 0, 'Next': 'Loop'}
    if g.chance(0.2):
        states['Loop']['Default'] = 'Behind'
        states['Behind'] = {'Type': 'Wait', 'Seconds': 0, 'Next': 'Done'}
    return {'StartAt': start, 'States': states}


class Calculation:
    """A loop of JSONata states over three variables, mostly numbers: what shape makes part of the machine."""
    VALUES = [0, 1, 2, 3, 5, -1, -4, 7, 10, 2**31 - 1, -2**31, 2**31, 2**53 - 1, 2**53, -2**53, 2**53 + 2, 1.5, -0.5, 2.0, 1e300,
              'a', '', True, False, None, [], [1], [1, 2], {}, {'k': 1}, {'k': {'k': 2}}]

    def __init__(self, r):
        self.r = r
        self.plain = r.random() < 0.6   # only numbers, as far as it is seen

    def value(self):
        return self.r.randint(-5, 50) if self.plain or self.r.random() < 0.5 else self.r.choice(self.VALUES)

    def two(self, operators, depth):
        return f'({self.expression(depth + 1)} {self.r.choice(operators)} {self.expression(depth + 1)})'

    def condition(self, depth=0):
        kind = self.r.random()
        if depth > 2 or kind < 0.6:
            return self.two(['<', '<=', '>', '>=', '=', '!='], depth)
        if kind < 0.8:
            return f"({self.condition(depth + 1)} {self.r.choice(['and', 'or'])} {self.condition(depth + 1)})"
        if self.plain or kind < 0.86:
            return f'$not({self.condition(depth + 1)})'
        e = self.expression(depth + 1)
        return self.r.choice([f'$exists({e})', f'$boolean({e})', f'({e})', f"({e} in [1, 2, 'a', $a])", f"$contains({self.text(depth)}, 'a')",
                              f"({self.text(depth)} {self.r.choice(['=', '!=', '<', '>='])} 'b')", f'({e} = null)', f'({e} != true)'])

    def text(self, depth=0):
        e = self.expression(depth + 1)
        return self.r.choice([f"('n-' & {e})", f"({e} & '/' & {self.expression(depth + 1)} & '.')", f'$string({e})', f'$uppercase($string({e}))',
                              f'$substring($string({e}), 0, 2)', f"$join(['a', $string({e})], '-')", f"$pad($string({e}), -4, '0')", "'\\ud83d' & '\\ude00'"])

    def function(self, depth):
        e, f = self.expression(depth + 1), self.expression(depth + 1)
        return self.r.choice([f'$floor({e} / 2)', f'$ceil({e})', f'$round({e}, 1)', f'$round({e})', f'$abs({e})', f'$max([{e}, {f}])', f'$sum([{e}, {f}, 1])',
                              f'$count([{e}, {f}])', f'$count({e})', f'$length({self.text(depth)})', f'$number($string({e}))', f'$sqrt({e})', f'$power({e}, 2)',
                              f'-{e}', f'(-({e}))'])

    def anything(self, depth):
        e, f = self.expression(depth + 1), self.expression(depth + 1)
        return self.r.choice([self.text(depth), f'[{e}, {f}]', f'[{e}]', f'$append({e}, {f})', f"$merge([$o, {{'k': {e}}}])", f"$merge([{{'k': {e}}}, $o])",
                              '$keys($o)', f"$split({self.text(depth)}, '-')", f'$reverse([{e}, {f}])', f'$distinct([{e}, {f}])', f'$type({e})',
                              f"$lookup($o, 'k')", f'$l[{e}]', '$l[$i]', '$l[0]', '$states.input', f'$append($l, {e})', f'$count($l) + {f}', f'$l[-1]', f'($x := {e}; $x)', f"$map([1, 2], function($v) {{ $v }})", f'[{e}, {f}][0]'])

    def expression(self, depth=0):
        kind = self.r.random()
        if depth > 2 or kind < 0.3:
            names = ['$a', '$b', '$c', '$states.input.p']
            return self.r.choice(names if self.plain else names + ['$states.input.q', '$o.k', '$o.k.k', '$states.input.missing'])
        if kind < 0.45:
            numbers = ['0', '1', '2', '3', '7', '10', '65536']
            return self.r.choice(numbers if self.plain else numbers + ['-1', '1.5', '0.25', "'a'", 'true', 'null', '9007199254740991'])
        if self.plain and kind < 0.85:
            return self.two(['+', '-', '*', '/', '%'], depth)
        if self.plain or kind < 0.6:
            return self.function(depth) if kind < 0.9 and (not self.plain or kind > 0.93) else \
                f'({self.condition(depth + 1)} ? {self.expression(depth + 1)} : {self.expression(depth + 1)})'
        if kind < 0.75:
            return self.two(['+', '-', '*', '/', '%'], depth)
        if kind < 0.82:
            return self.condition(depth)
        if kind < 0.95:
            return self.anything(depth)
        return f"{{'k': {self.expression(depth + 1)}, 'z': {self.expression(depth + 1)}}}"

    def state(self, last):
        assign = {v: f'{{% {self.expression()} %}}' for v in self.r.sample('abc', self.r.randint(1, 2))}
        if self.r.random() < 0.3:
            assign['test'] = f'{{% {self.condition()} %}}'
        if self.r.random() < 0.3:
            assign['o'] = f"{{% {{'k': {self.expression()}}} %}}"
        if self.r.random() < 0.3:
            assign['l'] = f'{{% $append($l, {self.expression()}) %}}'
        if last:
            assign['i'] = '{% $i + 1 %}'
        state = {'Type': 'Pass', 'Assign': assign, 'Next': 'Check' if last else 'Second'}
        if self.r.random() < 0.4:
            state['Output'] = {'p': f'{{% {self.expression()} %}}', 'q': '{% $states.input.q %}', 'r': f'{{% {self.condition()} %}}'}
        return state

    def machine(self):
        o = self.r.choice([{'k': 1}, {'k': {'k': 3}}, {'k': 's'}, {}, {'k': [1, 2]}, {'k': [4]}])
        rules = [{'Condition': f'{{% $i < {self.r.choice([2, 3, 5, 9, 40])} %}}', 'Next': 'First'}]
        if self.r.random() < 0.5:
            rules.insert(0, {'Condition': f'{{% $i < 20 and {self.condition()} %}}', 'Next': 'Second'})
        return {'QueryLanguage': 'JSONata', 'StartAt': 'Start', 'States': {
            'Start': {'Type': 'Pass', 'Assign': {'i': 0, 'o': o, 'l': self.r.choice([[], [1], [1, 2.5, 'a'], [[1], [2]]]), **{v: self.value() for v in 'abc'}}, 'Next': 'Check'},
            'Check': {'Type': 'Choice', 'Choices': rules, 'Default': 'Done'},
            'First': self.state(False),
            'Second': self.state(True),
            'Done': {'Type': 'Pass', 'Output': {**{v: f'{{% ${v} %}}' for v in 'abciol'}, 'in': '{% $states.input %}',
                                                'x': f'{{% {self.expression()} %}}'}, 'End': True}}}

    def input(self):
        return {'p': self.value(), 'q': self.value()}


def generate(seed, computes=False, draws=True):
    g = Generator(seed, computes, draws)
    if computes and seed % 4 == 3:
        c = Calculation(g.r)
        return c.machine(), c.input(), {'StateMachines': {'definition': {'TestCases': {'case': {}}}}, 'MockedResponses': {}}
    definition = g.machine(g.r.randint(3, 10), 0)
    if computes and g.chance(0.6):
        definition = looped(g, definition)
    if g.chance(0.1):
        definition['TimeoutSeconds'] = g.r.choice([5, 60, 500])
    names = used_states(definition, set())
    # A state that nobody reaches is left out; a variable that only it assigned would be an error of the definition.
    text = json.dumps(definition)
    known = set(re.findall(r'"(v\d+)(?:\.\$)?": ', text))
    definition = json.loads(re.sub(r'\$(v\d+)\b', lambda m: m.group(0) if m.group(1) in known else '$.a', text))
    tasks = {n: n + ' answers' for n in g.mocks if n in names}
    mock = {'StateMachines': {'definition': {'TestCases': {'case': tasks}}},
            'MockedResponses': {n + ' answers': entries for n, entries in g.mocks.items() if n in names}}
    return definition, g.input(), mock
