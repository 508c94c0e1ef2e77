"""Generated JSONata: pair(seed) gives an expression, as a tree, and the document it is evaluated on.

The tree is text with holes: a Node's parts are texts and Nodes, so that a failing expression can be cut down without
knowing the grammar (see shrunk in jsonata.py). `kind` says what a part may be replaced by; 'list' marks the constructors
whose elements the reference evaluates concurrently.

What is not generated, because the reference leaves its outcome free: assignments inside an array or object constructor
(outside a block of their own), the current time and random numbers other than through what is certain about them, patterns
and recursion without end.
"""
import json
import random

NAMES = ['a', 'b', 'c', 'd', 'e', 'items', 'price', 'qty', 'name', 'tags', 'x y', '0', '7', '12', 'é', 'id']
NUMBERS = ['0', '1', '2', '3', '4', '5', '7', '10', '12', '0.5', '1.5', '2.5', '3.5', '0.1', '0.2', '0.3', '1.005', '2.675', '4.35',
           '1e21', '1e20', '1e-7', '1e-6', '123456.789', '9007199254740991', '9007199254740993', '12345678901234567', '1e300',
           '100000000000000.5', '2147483648', '4294967295', '4294967296', '1e15', '999999.9999', '5e-324', '1.7976931348623157e308']
STRINGS = ['', 'a', 'b', 'abc', 'Hello World', 'ABC', 'é', '😀', 'a😀b', 'z\u0301', '\ud83d', '\ude00x', '\n', ' x  y ', '\t\r\n q', '12', '-3.5',
           '1e3', '0x1F', '0b11', '007', ' 5', 'true', 'null', 'ß', 'İstanbul', 'ΑΣ', 'ﬁ', 'a,b;c', 'a-b-c', '\u0001', '"q"', "it's", '\\', '/',
           'undefined', '2018-05-13T09:00:00.000Z', '2018-02-30', '20:15', '50%', '%41', 'a b&c=d/é', 'YWJj', 'ab=', '$1', '$$', '\uffee', '\U0001d7d8',
           'the quick brown fox', 'aaa', 'abab', 'MMXVIII', 'twenty-one', '1,234', '12th', '1st']
REGEXES = ['/a/', '/[a-c]/', '/(a)(b)?/', '/b+/i', r'/\s+/', r'/\d+/', r'/(\w)(\w)/', '/^a/m', '/c$/', '/./', '/x|y/', '/[,;-]/', r'/\bq/', '/(?:ab)+/',
           '/(a|b)*c/', '/a*/', '/(?=b)/', '/[^a]/', r'/(.)\1/', r'/\u0062/', '/l{2}/', '/o(?!x)/', '/[/]/', '/😀/', '/(é)/i']
NUMBER_PICTURES = ['0', '#', '#,##0', '#,##0.00', '0.0', '00.##', '#0.0#', '0%', '#‰', '0.00e0', '#.##e00', '#;(#)', '0.0;-0.0', '$#,##0.00', '#,###,#0', '0,0,0',
                   '##,##,##0.0', 'x0y', '#.#', '.00', '0.', '#0,000.000,0', '', '0.0.0', '0%%', ',0', '0,', '0#', '.#0', 'abc', '0;0;0', '٠', '#e0', '0e0%']
INTEGER_PICTURES = ['0', '000', '#,##0', '#,###', '0,000', 'w', 'W', 'Ww', 'w;o', 'Ww;o', 'i', 'I', 'a', 'A', '1;o', '0;o', '#0', '٠', '##,##0;o', '0.0', '#', '0 000', '0,00,000',
                    '#:##0', 'x', '', '一', '0٠', 'wW']
DATE_PICTURES = ['[Y]', '[Y0001]-[M01]-[D01]', '[Y01]', '[Y,2-2]', '[D1o] [MNn] [Y]', '[FNn], [D] [MN,3-3]', '[Fn,3-3]', '[H01]:[m01]:[s01].[f001]', '[h]:[m] [P]', '[h#1] [PN]', '[d]', '[W]', '[w]',
                 '[X]-[W01]-[F1]', '[x]', '[Z]', '[z]', '[Z01:01t]', '[Z0]', '[Z0101]', '[Y][M01][D01]', '[Yw]', '[YWw]', '[DW;o]', '[MI]', '[Ma]', '[[x]] [D]', '[f]', '[f01]', '[E] [C]', '[H][m]',
                 '[Y]-[D]', '[q]', '[Y', '[DN]', '[M,*-3]', '[Y9,999]', 'none', '[H01]', '[D Wwo] of [M Nn]', '[Z000001]', '[Y0001] [d001]']
DATES = ['2018-05-13', '2018-05-13T09:00:00.000Z', '2018-05-13T09:00:00+0530', '2018', '2018-12', '13th May 2018', '13 May 18', '09:05:07.25', '9:05 pm', '2018133', '20180513', 'Sunday, 13 MAY',
         '2018-13-01', '2018-02-30T25:00:00Z', '2018-W19-7', 'MMXVIII', 'two thousand and eighteen', '2018-05-13T09:00:00.1234Z', '-0130', 'May', '']


class Node:
    __slots__ = ('kind', 'parts')

    def __init__(self, kind, *parts):
        self.kind, self.parts = kind, list(parts)

    def text(self):
        return ''.join(p if isinstance(p, str) else p.text() for p in self.parts)

    def holes(self):
        return [i for i, p in enumerate(self.parts) if isinstance(p, Node)]


def quoted(s, rng=None):
    text = json.dumps(s, ensure_ascii=bool(rng and rng.random() < 0.3) or any('\ud800' <= c <= '\udfff' for c in s))
    return text


class Generator:
    def __init__(self, rng):
        self.r, self.vars, self.fns, self.next = rng, [], [], 0

    def chance(self, p):
        return self.r.random() < p

    def pick(self, *makers):
        return self.r.choice(makers)

    # ---- documents

    def value(self, depth):
        k = self.r.random()
        if depth <= 0 or k < 0.4:
            k = self.r.random()
            if k < 0.4:
                return self.number_value()
            if k < 0.75:
                return self.r.choice(STRINGS)
            return self.r.choice([True, False, None, [], {}, 0, ''])
        if k < 0.7:
            kind = self.r.random()
            if kind < 0.25:
                return [self.number_value() for _ in range(self.r.randrange(6))]
            if kind < 0.45:
                return [self.r.choice(STRINGS) for _ in range(self.r.randrange(5))]
            if kind < 0.75:
                names = self.r.sample(NAMES, 3)
                return [{n: self.value(depth - 2) for n in names if self.chance(0.8)} for _ in range(self.r.randrange(5))]
            return [self.value(depth - 1) for _ in range(self.r.randrange(5))]
        return {n: self.value(depth - 1) for n in self.r.sample(NAMES, self.r.randrange(1, 6))}

    def number_value(self):
        n = json.loads(self.r.choice(NUMBERS)) if self.chance(0.4) else self.r.randrange(10)
        return -n if self.chance(0.15) else n

    def document(self):
        k = self.r.random()
        if k < 0.8:
            return {n: self.value(3) for n in self.r.sample(NAMES, self.r.randrange(3, 8))}
        if k < 0.92:
            return [self.value(3) for _ in range(self.r.randrange(5))]
        return self.value(0)

    # ---- leaves

    def name(self):
        n = self.r.choice(NAMES)
        return n if n.isalpha() else '`' + n + '`'

    def literal(self):
        k = self.r.random()
        if k < 0.45:
            return self.number(0)
        if k < 0.85:
            return self.string(0)
        return Node('leaf', self.r.choice(['true', 'false', 'null', '[]', '{}', 'nope', '$nope', '""', '()']))

    def variable(self):
        return Node('leaf', '$' + self.r.choice(self.vars)) if self.vars and self.chance(0.8) else Node('leaf', self.r.choice(['$', '$', '$$', self.name()]))

    def number_text(self):
        return self.r.choice(NUMBERS) if self.chance(0.35) else str(self.r.randrange(6))

    def step(self, d):
        k = self.r.random()
        if k < 0.66 or d <= 0:
            s = Node('step', self.name())
        elif k < 0.72:
            s = Node('step', '*')
        elif k < 0.75:
            s = Node('step', '**')
        elif k < 0.79:
            s = Node('step', '%')
        elif k < 0.85:
            s = Node('step', '(', self.any(d - 1), ')')
        elif k < 0.89:
            s = self.object(d - 1)
        elif k < 0.92:
            s = self.array(d - 1)
        elif k < 0.96:
            s = self.call(d - 1)
        else:
            s = Node('step', '$' if not self.vars else '$' + self.r.choice(self.vars))
        if d > 0 and self.chance(0.3):
            s = self.suffixed(s, d)
        return s

    def suffixed(self, s, d):
        k = self.r.random()
        if k < 0.22:
            return Node('post', s, '[' + self.r.choice(['0', '1', '-1', '2', '-2', '1.9', '-1.5', '9', '[0,1]', '[0..1]', '[-1,0]', '[]', '[1,1]', 'true', 'false', '"x"', 'null']) + ']')
        if k < 0.45:
            return Node('post', s, '[', self.bool(d - 1), ']')
        if k < 0.6:
            return Node('post', s, '[', self.any(d - 1), ']')
        if k < 0.68:
            return Node('post', s, '[]')
        if k < 0.78:
            return Node('post', s, '^(', self.r.choice(['', '<', '>']), self.any(d - 2) if self.chance(0.4) else Node('leaf', self.name()), ')')
        v = self.fresh()
        self.vars.append(v)
        return Node('post', s, self.r.choice(['#', '#', '@']) + '$' + v)

    def path(self, d):
        first = self.step(d) if self.chance(0.75) else self.variable()
        parts = [first]
        for _ in range(self.r.choice([0, 1, 1, 2, 2, 3])):
            parts += ['.', self.step(d - 1)]
        n = Node('path', *parts)
        if self.chance(0.07):
            n = Node('post', n, '{', self.key(d - 1), ': ', self.any(d - 1), '}')
        return n

    def fresh(self):
        self.next += 1
        return 'v%d' % self.next

    # ---- typed

    def any(self, d):
        if d <= 0:
            return self.pick(self.literal, self.variable, self.variable)()
        k = self.r.random()
        if k < 0.24:
            return self.path(d)
        if k < 0.32:
            return self.number(d)
        if k < 0.40:
            return self.string(d)
        if k < 0.46:
            return self.bool(d)
        if k < 0.54:
            return self.array(d)
        if k < 0.60:
            return self.object(d)
        if k < 0.80:
            return self.call(d)
        if k < 0.84:
            return Node('any', self.bool(d - 1), ' ? ', self.any(d - 1), *([' : ', self.any(d - 1)] if self.chance(0.7) else []))
        if k < 0.91:
            return self.block(d)
        if k < 0.93:
            return Node('any', '(', self.any(d - 1), ')', self.r.choice([' ?: ', ' ?? ']), self.any(d - 1))
        if k < 0.96:
            return self.applied(d)
        if k < 0.98:
            return self.recursion(d)
        if k < 0.99:
            return self.transform(d)
        return self.function(d, self.r.randrange(3))

    def number(self, d):
        k = self.r.random()
        if d <= 0 or k < 0.25:
            return Node('leaf', ('-' if self.chance(0.15) else '') + self.number_text())
        if k < 0.6:
            return Node('number', self.operand(d), self.r.choice([' + ', ' - ', ' * ', ' / ', ' % ']), self.operand(d))
        if k < 0.64:
            return Node('number', '-(', self.number(d - 1), ')')
        if k < 0.7:
            return Node('number', '(', self.number(d - 1), ')')
        return self.call_of(self.r.choice(['sum', 'count', 'max', 'min', 'average', 'length', 'number', 'floor', 'ceil', 'abs', 'sqrt', 'round', 'power', 'parseInteger', 'toMillis']), d)

    def operand(self, d):
        return self.number(d - 1) if self.chance(0.6) else self.path(d - 1) if self.chance(0.7) else self.any(d - 1)

    def string(self, d):
        k = self.r.random()
        if d <= 0 or k < 0.3:
            return Node('leaf', quoted(self.r.choice(STRINGS), self.r))
        if k < 0.55:
            return Node('string', self.any(d - 1), ' & ', self.any(d - 1))
        return self.call_of(self.r.choice(['string', 'substring', 'substringBefore', 'substringAfter', 'uppercase', 'lowercase', 'trim', 'pad', 'join', 'replace', 'formatNumber', 'formatBase',
                                           'formatInteger', 'fromMillis', 'type', 'base64encode', 'encodeUrl', 'encodeUrlComponent']), d)

    def key(self, d):
        return self.string(d) if self.chance(0.75) else Node('leaf', self.name()) if self.chance(0.7) else self.any(d)

    def bool(self, d):
        k = self.r.random()
        if d <= 0:
            return Node('bool', self.variable(), self.r.choice([' = ', ' != ', ' > ', ' <= ']), self.literal())
        if k < 0.55:
            return Node('bool', self.operand(d), self.r.choice([' = ', ' != ', ' < ', ' <= ', ' > ', ' >= ']), self.operand(d))
        if k < 0.7:
            return Node('bool', self.bool(d - 1), self.r.choice([' and ', ' or ']), self.bool(d - 1) if self.chance(0.7) else self.any(d - 1))
        if k < 0.78:
            return Node('bool', self.any(d - 1), ' in ', self.array(d - 1) if self.chance(0.6) else self.any(d - 1))
        return self.call_of(self.r.choice(['exists', 'not', 'boolean', 'contains']), d)

    def array(self, d):
        k = self.r.random()
        if k < 0.12:
            return Node('array', '[%d..%d]' % (self.r.randrange(-2, 4), self.r.randrange(-1, 9)))
        if k < 0.16 and d > 0:
            return Node('array', '[', self.number(d - 1), '..', self.small(), ']') if self.chance(0.3) else Node('array', '[0..', self.small(), ']')
        if k < 0.24 and d > 0:
            return self.call_of(self.r.choice(['append', 'sort', 'reverse', 'distinct', 'split', 'zip', 'spread', 'keys', 'map', 'filter', 'match', 'each']), d)
        parts = ['[']
        for i in range(self.r.randrange(5)):
            parts += ([', '] if i else []) + [self.any(d - 1)]
        return Node('list', *parts, ']')

    def small(self):
        return Node('leaf', self.r.choice(['0', '1', '2', '3', '5', '9', '-1', '1.5', '"a"', 'nope', '$count($)', 'a', 'null']))

    def object(self, d):
        parts = ['{']
        for i in range(self.r.randrange(4)):
            key = Node('leaf', quoted(self.r.choice(NAMES) if self.chance(0.9) else 'k%d' % i)) if self.chance(0.8) else self.key(d - 1)
            parts += ([', '] if i else []) + [key, ': ', self.any(d - 1)]
        return Node('list', *parts, '}')

    def scoped(self, make):
        vars, fns = list(self.vars), list(self.fns)
        n = make()
        self.vars, self.fns = vars, fns
        return n

    def function(self, d, arity):
        def make():
            params = [self.fresh() for _ in range(arity)]
            self.vars += params
            signature = ''
            if self.chance(0.08):
                signature = '<' + ''.join(self.r.choice(['n', 's', 'x', 'a', 'j', 'a<n>', 'n?', 's-', '(sn)', 'o', 'b', 'x+', 'f', 'n-']) for _ in params) + self.r.choice([':x', '', ':n']) + '>'
            return Node('function', self.r.choice(['function(', 'function(', 'λ(']) + ', '.join('$' + p for p in params) + ')' + signature + '{ ', self.any(d - 1), ' }')
        return self.scoped(make)

    def callback(self, d, arity):
        k = self.r.random()
        if k < 0.72:
            return self.function(d, self.r.choice([1, arity, max(1, arity - 1), arity]))
        if k < 0.86:
            return Node('leaf', '$' + self.r.choice(['string', 'number', 'uppercase', 'sum', 'count', 'boolean', 'not', 'exists', 'type', 'length', 'round', 'abs', 'keys', 'append', 'substring', 'max', 'reverse', 'trim', 'power', 'pad', 'contains']))
        if k < 0.93:
            return Node('leaf', self.r.choice(['$substring(?, 1)', '$substring("abcdef", ?, 2)', '$append(?, 1)', '$power(?, 2)', '$round(?, 1)', '$join(?, "-")', '$contains("abc", ?)', '$pad(?, 5, "#")', '/a/', '$number ~> $string']))
        if self.fns:
            return Node('leaf', '$' + self.r.choice(self.fns))
        return self.any(d - 1)

    def block(self, d):
        def make():
            parts = ['(']
            for _ in range(self.r.randrange(1, 3)):
                if self.chance(0.3):
                    v, n = self.fresh(), self.function(d, self.r.choice([0, 1, 1, 2]))
                    parts += ['$' + v + ' := ', n, '; ']
                    self.fns.append(v)
                elif self.chance(0.1) and self.vars:
                    v = self.r.choice(self.vars)
                    parts += ['$' + v + ' := ', self.any(d - 1), '; ']
                else:
                    v, n = self.fresh(), self.any(d - 1)
                    parts += ['$' + v + ' := ', n, '; ']
                    self.vars.append(v)
            return Node('block', *parts, self.any(d - 1), ')')
        return self.scoped(make)

    def applied(self, d):
        parts = [Node('any', '(', self.any(d - 1), ')') if self.chance(0.3) else self.path(d - 1)]
        for _ in range(self.r.choice([1, 1, 2])):
            k = self.r.random()
            if k < 0.35:
                parts += [' ~> $' + self.r.choice(['string', 'sum', 'count', 'keys', 'reverse', 'distinct', 'type', 'exists', 'uppercase', 'max', 'spread', 'merge', 'sort', 'number', 'length', 'boolean'])]
            elif k < 0.75:
                name, arg = self.r.choice([('map', 1), ('filter', 1), ('reduce', 2), ('append', 0), ('join', 0), ('substring', 0), ('lookup', 0), ('each', 2), ('sift', 2), ('sort', 2)])
                parts += [' ~> $' + name + '(', self.callback(d - 1, arg) if arg else self.literal(), ')']
            elif k < 0.9:
                parts += [' ~> ', self.function(d - 1, 1)]
            else:
                parts += [' ~> ', self.transform(d - 1)]
        return Node('any', *parts)

    def transform(self, d):
        parts = ['|', self.path(min(d - 1, 2)) if self.chance(0.8) else Node('leaf', self.r.choice(['$', '*', '**', 'nope'])), '|', self.object(d - 1) if self.chance(0.85) else self.any(d - 1)]
        if self.chance(0.5):
            parts += [', ', Node('leaf', self.r.choice(['"a"', '["a", "b"]', '[]', '1', 'nope', '"0"', '[1]', 'name']))]
        t = Node('transform', *parts, '|')
        return Node('any', '$ ~> ', t) if self.chance(0.8) else t

    def recursion(self, d):
        n, v = self.r.randrange(0, 9), self.fresh()
        f = self.fresh()
        body = self.scoped(lambda: (self.vars.append(v), self.any(d - 1))[1])
        return Node('any', *self.r.choice([
            ['($%s := function($%s){ $%s <= 1 ? 1 : $%s * $%s($%s - 1) }; $%s(%d))' % (f, v, v, v, f, v, f, n)],
            ['($%s := function($%s, $acc){ $%s <= 0 ? $acc : $%s($%s - 1, $append($acc, ' % (f, v, v, f, v), body, ')) }; $%s(%d, []))' % (f, n)],
            ['($%s := function($%s){ $%s < 2 ? $%s : $%s($%s - 1) + $%s($%s - 2) }; $map([0..%d], $%s))' % (f, v, v, v, f, v, f, v, n, f)],
            ['($%s := function($%s){ $%s <= 0 ? ' % (f, v, v), body, ' : [$%s, $%s($%s - 1)] }; $%s(%d))' % (v, f, v, f, n % 5)],
            ['($even := function($n){ $n = 0 ? true : $odd($n - 1) }; $odd := function($n){ $n = 0 ? false : $even($n - 1) }; $even(%d))' % n],
            ['($%s := function($%s){ $type($%s) = "array" ? $count($%s) > 0 ? $sum($map($%s, $%s)) : 0 : 1 }; $%s(' % (f, v, v, v, v, f, f), body, '))'],
            ['($%s := function($%s){ function($w){ $w & ' % (f, v), body, ' } }; $%s(%d)("q"))' % (f, n)],
        ]))

    # ---- built-in functions: what each argument is, by letter

    TABLE = {
        'sum': 'A', 'count': 'a', 'max': 'A', 'min': 'A', 'average': 'A', 'string': 'xb?', 'substring': 'sii?', 'substringBefore': 'ss', 'substringAfter': 'ss', 'lowercase': 's', 'uppercase': 's', 'length': 's',
        'trim': 's', 'pad': 'sis?', 'match': 'srq?', 'contains': 'sR', 'replace': 'sRtq?', 'split': 'sRq?', 'join': 'Ss?', 'formatNumber': 'nP', 'formatBase': 'ni?', 'formatInteger': 'nI', 'parseInteger': 'sI',
        'number': 'x', 'floor': 'n', 'ceil': 'n', 'abs': 'n', 'sqrt': 'n', 'round': 'ni?', 'power': 'ni', 'boolean': 'x', 'not': 'x', 'map': 'af3', 'filter': 'af3', 'single': 'af3', 'reduce': 'af4x?', 'sift': 'of3',
        'each': 'of2', 'keys': 'x', 'lookup': 'xK', 'append': 'xx', 'exists': 'x', 'spread': 'x', 'merge': 'O', 'reverse': 'a', 'sort': 'A', 'distinct': 'a', 'zip': 'aa?a?', 'type': 'x',
        'base64encode': 's', 'base64decode': 's', 'encodeUrl': 's', 'encodeUrlComponent': 's', 'decodeUrl': 's', 'decodeUrlComponent': 's', 'toMillis': 'Tp?', 'fromMillis': 'mp?z?', 'error': 's?', 'assert': 'bs?',
        'eval': 'e', 'clone': 'x', 'sort ': 'af2', 'count ': 'H',
    }
    CALLS = sorted(TABLE)

    def call(self, d):
        k = self.r.random()
        if k < 0.06 and self.fns:
            return Node('call', '$' + self.r.choice(self.fns) + '(', self.any(d - 1), ', ', self.any(d - 1), ')')
        if k < 0.10:
            return Node('call', self.function(d - 1, 1), '(', self.any(d - 1), ')')
        return self.call_of(self.r.choice(self.CALLS), d)

    def call_of(self, name, d):
        letters, parts, i = self.TABLE[name], [], 0
        while i < len(letters):
            letter, optional, arity = letters[i], False, 1
            i += 1
            if i < len(letters) and letters[i].isdigit():
                arity, i = int(letters[i]), i + 1
            if i < len(letters) and letters[i] == '?':
                optional, i = True, i + 1
            if optional and self.chance(0.5):
                break
            parts.append(self.any(d - 1) if self.chance(0.05) else self.argument(letter, arity, d - 1))
        if self.chance(0.04):
            parts = parts[:-1] if self.chance(0.6) else parts + [self.any(d - 1)]
        inner = []
        for n, p in enumerate(parts):
            inner += ([', '] if n else []) + [p]
        return Node('call', '$' + name.strip() + '(', *inner, ')')

    def argument(self, letter, arity, d):
        leaf = lambda texts: Node('leaf', quoted(self.r.choice(texts)))
        if letter == 'A':
            k = self.r.random()
            if k < 0.4:
                return Node('leaf', '[' + ', '.join(self.number_text() for _ in range(self.r.randrange(5))) + ']')
            if k < 0.5:
                return Node('leaf', '[' + ', '.join(quoted(self.r.choice(STRINGS)) for _ in range(self.r.randrange(4))) + ']')
            return self.path(d)
        if letter == 'S':
            return Node('leaf', '[' + ', '.join(quoted(self.r.choice(STRINGS)) for _ in range(self.r.randrange(4))) + ']') if self.chance(0.5) else self.path(d)
        if letter == 'O':
            return Node('list', '[', self.object(d), ', ', self.object(d), ']') if self.chance(0.6) else self.path(d)
        if letter == 'H':
            return Node('leaf', self.r.choice(['$shuffle([1..5])', '$random()[$ >= 0 and $ < 1]', '$now()', '$millis()[$ > 0]', '$filter([1..3], function($x){$random() < 2})']))
        if letter == 'a':
            return self.array(d) if self.chance(0.5) else self.path(d) if self.chance(0.7) else self.any(d)
        if letter == 'o':
            return self.object(d) if self.chance(0.4) else self.path(d) if self.chance(0.6) else Node('leaf', self.r.choice(['$', '$$']))
        if letter == 's':
            return self.string(d) if self.chance(0.75) else self.path(d)
        if letter == 'n':
            return self.number(d)
        if letter in 'iq':
            return Node('leaf', self.r.choice(['0', '1', '2', '3', '-1', '-2', '1.5', '5', '16', '36', '-5', '2.5', '0.5', '10'] if letter == 'i' else ['0', '1', '2', '3', '-1', '1.5', '4294967297'])) if self.chance(0.9) else self.number(d)
        if letter == 'r':
            return Node('leaf', self.r.choice(REGEXES))
        if letter == 'R':
            return Node('leaf', self.r.choice(REGEXES)) if self.chance(0.6) else self.string(0)
        if letter == 't':
            k = self.r.random()
            return Node('leaf', quoted(self.r.choice(['$1', '$0', '[$2$1]', '$$', '$10', '$', 'x', '', '$3-', '$01']))) if k < 0.5 else self.string(d) if k < 0.7 else \
                Node('function', 'function($m){ ', self.r.choice(['$m.match', '$uppercase($m.match)', '$m.groups[0] & "!"', '$string($m.index)', '$m', '1', '$string($m.groups)']), ' }')
        if letter == 'f':
            return self.callback(d, arity)
        if letter == 'b':
            return self.bool(d)
        if letter == 'K':
            return leaf(NAMES) if self.chance(0.8) else self.string(d)
        if letter == 'P':
            return leaf(NUMBER_PICTURES)
        if letter == 'I':
            return leaf(INTEGER_PICTURES)
        if letter == 'p':
            return leaf(DATE_PICTURES)
        if letter == 'T':
            return leaf(DATES) if self.chance(0.9) else self.string(d)
        if letter == 'm':
            return Node('leaf', self.r.choice(['0', '1521801216617', '1526202000000', '-1', '951782400000', '1e12', '1545609600000', '1230768000000', '253402300800000', '-62135596800000', '1521801216617.7', '1e16', 'nope']))
        if letter == 'z':
            return leaf(['+0000', '-0500', '+0530', '+05:30', '-0330', 'Z', '0100', '+1', ''])
        if letter == 'e':
            inner = Generator(self.r)
            return Node('leaf', quoted(inner.any(1).text()) if self.chance(0.85) else quoted(self.r.choice(['1 +', '(', 'a.b', '[1,2', '"'])))
        return self.any(d)

    # ---- whole expressions

    def expression(self):
        d = self.r.choice([1, 2, 2, 3, 3, 4])
        k = self.r.random()
        if k < 0.25:
            return self.path(d)
        if k < 0.35:
            return self.joined(d)
        if k < 0.6:
            return self.call(d)
        if k < 0.7:
            return self.block(d)
        return self.any(d)

    def joined(self, d):
        """Paths with @, # and % that mean something."""
        i, l = self.fresh(), self.fresh()
        self.vars += [i, l]
        name = lambda: self.name()
        body = lambda: self.any(min(d, 2))
        return Node('path', *self.r.choice([
            [name(), '#$', i, '.', body()],
            [name(), '#$', i, '[$', i, ' ', self.r.choice(['<', '=', '>=']), ' ', self.small(), '].', body()],
            [name(), '@$', l, '.', name(), '#$', i, '[$', l, '.', name(), ' = $', i, '].', body()],
            [name(), '@$', l, '.', name(), '@$', i, '[$', l, '.', name(), ' = $', i, '.', name(), '].{"l": $', l, ', "i": ', body(), '}'],
            [name(), '.', name(), '.%.', name()],
            [name(), '.', name(), '.{"p": %.', name(), ', "v": $}'],
            [name(), '.', name(), '[%.', name(), ' ', self.r.choice(['=', '!=', '>']), ' ', self.literal(), ']'],
            ['*.', name(), '.%.%'],
            ['(', name(), '.', name(), ')#$', i, '.[$', i, ', $]'],
            [name(), '^(', self.r.choice(['<', '>', '']), name(), ', ', self.r.choice(['<', '>', '']), name(), ')#$', i, '.', body()],
            [name(), '.', name(), '^(%.', name(), ')'],
            [name(), '[', self.bool(1), ']#$', i, '[', self.bool(1), '].', body()],
            [name(), '{', self.key(1), ': ', body(), ', ', self.key(1), ': ', body(), '}'],
            [name(), '@$', l, '{', '$string($', l, '.', name(), '): $count($', l, ')', '}'],
            ['**.', name(), '#$', i, '[', self.small(), ']'],
            [name(), '.*#$', i, '.{"i": $', i, ', "x": ', body(), '}'],
        ]))


def pair(seed):
    """(tree, document): the document is a JSON value, or Ellipsis when there is none."""
    g = Generator(random.Random(seed))
    document = g.document() if g.chance(0.97) else ...
    return g.expression(), document
