// What happened, worked out from the history: visits of states, their attempts, and the frames they are in.
//
// A frame is the run of one scope: the execution as a whole, an iteration of a Map, a branch of a Parallel. A visit is a
// state's stay in a frame, from Entered to Exited; a visit of a Map or Parallel owns frames. Which visit an event belongs to
// is found along previousEventId: the events of an iteration or a branch hang together by it and by nothing else.
const data = JSON.parse(document.getElementById('data').textContent);
const values = data.values;
const text = (i) => {
  const v = values[i];
  return Array.isArray(v) ? v[1] : typeof v === 'object' ? JSON.stringify(v.v) : String(v);
};
const about = (key) => (key in data.execution ? values[data.execution[key]] : undefined);
const aboutText = (key) => (key in data.execution ? text(data.execution[key]) : undefined);

const events = data.events
  .map((row) => {
    const shape = data.shapes[row[0]];
    return { type: shape[0], id: row[1], prev: row[2], t: row[3], shape, row, visit: null, frame: null };
  })
  .sort((a, b) => a.id - b.id);
const byId = new Map(events.map((e) => [e.id, e]));
// The place of a detail's value in the table, or -1.
const at = (e, key) => {
  const i = e.shape.indexOf(key, 1);
  return i < 0 ? -1 : e.row[i + 3];
};
const detail = (e, key) => {
  const i = at(e, key);
  return i < 0 ? undefined : text(i);
};
const last = (a) => a[a.length - 1];
const end = events.length ? Math.max(last(events).t, (about('stopDate') || data.start) - data.start) : 0;

// ---- the definition, with the lines its values stand on

// JSON with positions: {v: plain value, at, end, m: members or items}. Comments and trailing commas are let through.
function parseSource(s) {
  let i = 0;
  const fail = () => {
    throw new Error('not JSON at ' + i);
  };
  const read = (re) => {
    re.lastIndex = i;
    const m = re.exec(s);
    if (m) i += m[0].length;
    return m;
  };
  const space = () => read(/(?:[\s\ufeff]+|\/\/.*|\/\*[^]*?\*\/)*/y);
  const string = () => {
    const from = i++;
    while (s[i] !== '"') {
      if (i >= s.length) fail();
      i += s[i] === '\\' ? 2 : 1;
    }
    return JSON.parse(s.slice(from, ++i));
  };
  const value = () => {
    space();
    const from = i,
      c = s[i];
    if (c === '{' || c === '[') {
      const close = c === '{' ? '}' : ']',
        v = c === '{' ? {} : [],
        m = c === '{' ? new Map() : [];
      for (i++, space(); s[i] !== close; space()) {
        let key = v.length;
        const start = i;
        if (c === '{') {
          if (s[i] !== '"') fail();
          key = string();
          space();
          if (s[i++] !== ':') fail();
        }
        const node = value();
        node.from = start;
        if (c === '{') {
          Object.defineProperty(v, key, { value: node.v, enumerable: true, configurable: true });
          m.set(key, node);
        } else {
          v.push(node.v);
          m.push(node);
        }
        space();
        if (s[i] === ',') i++;
        else if (s[i] !== close) fail();
      }
      return { v, m, at: from, end: ++i };
    }
    if (c === '"') return { v: string(), at: from, end: i };
    const m = read(/-?\d[\d.eE+-]*|true|false|null/y) || fail();
    return { v: m[0] === 'null' ? null : m[0] === 'true' || (m[0] === 'false' ? false : Number(m[0])), at: from, end: i };
  };
  return value();
}

const lines = data.definition.split('\n');
const lineStarts = [];
for (let i = 0, n = 0; n < lines.length; n++) {
  lineStarts.push(i);
  i += lines[n].length + 1;
}
function lineOf(offset) {
  let a = 0,
    b = lineStarts.length - 1;
  while (a < b) {
    const m = (a + b + 1) >> 1;
    if (lineStarts[m] <= offset) a = m;
    else b = m - 1;
  }
  return a;
}

// Scopes hold states; a Map's processor and each branch of a Parallel are scopes of their own.
const states = new Map();
function scopeOf(node, owner, index) {
  const scope = { owner, index, startAt: node.v.StartAt, states: [] };
  const list = node.m && node.m.get('States');
  if (!list || !list.m) return scope;
  for (const [name, s] of list.m) {
    if (!s.v || typeof s.v !== 'object') continue;
    const state = {
      name,
      type: String(s.v.Type || '?'),
      def: s.v,
      scope,
      scopes: [],
      visits: [],
      from: lineOf(s.from),
      to: lineOf(s.end - 1),
    };
    scope.states.push(state);
    if (!states.has(name)) states.set(name, state);
    const inner =
      state.type === 'Map'
        ? [s.m.get('ItemProcessor') || s.m.get('Iterator')]
        : state.type === 'Parallel' && Array.isArray(s.v.Branches)
          ? s.m.get('Branches').m
          : [];
    state.scopes = inner.filter((n) => n && n.m instanceof Map).map((n, i) => scopeOf(n, state, i));
  }
  return scope;
}
let machine = null;
try {
  machine = scopeOf(parseSource(data.definition), null, 0);
} catch (_) {
  /* shown without it: see observed() */
}

// ---- visits, attempts, frames

const visits = [],
  root = { owner: null, index: 0, visits: [], t0: 0, t1: end, status: '' };
const iterations = [];
let redrives = 0,
  ending = null,
  halted = null;
const failedAs = (e) =>
  !e ? 'aborted' : /TimedOut$/.test(e.type) || detail(e, 'error') === 'States.Timeout' ? 'timed out' : 'failed';
const sent = (e) => Math.max(at(e, 'parameters'), at(e, 'input'));
const FAILED = /(Failed|TimedOut)$/;

function enter(e, frame, name, type) {
  const v = {
    name,
    type,
    frame,
    first: e,
    t0: e.t,
    t1: -1,
    out: null,
    status: '',
    attempts: [],
    again: 0,
    frames: [],
    tries: 0,
    redrive: redrives,
    failure: null,
    retried: 0,
    items: new Map(),
  };
  visits.push(v);
  frame.visits.push(v);
  return v;
}
function openFrame(owner, index, e) {
  const f = { owner, index, visits: [], t0: e.t, t1: -1, status: '', attempt: owner.tries, first: e };
  owner.frames.push(f);
  if (owner.type === 'Map') iterations.push(f);
  return f;
}
// The nearest visit round an event that the test accepts: its own, or one that owns the frames it is in.
function around(e, test) {
  if (!e) return null;
  if (e.visit && test(e.visit)) return e.visit;
  for (let f = e.visit ? e.visit.frame : e.frame; f && f.owner; f = f.owner.frame) if (test(f.owner)) return f.owner;
  return null;
}
function latest(test) {
  for (let i = visits.length - 1; i >= 0; i--) if (test(visits[i])) return visits[i];
  return null;
}
const isOpen = (v) => !v.out;
// What a redrive goes on with says nothing of where it is: it is a visit that did not come to its end, and was given the same.
function idle(type, name, given, by) {
  const all = visits.filter((x) => x.type === type && (!name || x.name === name) && !x.out && x.redrive !== redrives);
  return all.find((x) => by(x) === given) || all[0] || null;
}
// All visits of a type in a frame, and in the frames in it.
function within(f, type) {
  return f.visits.flatMap((x) => (x.type === type ? [x] : []).concat(x.frames.flatMap((y) => within(y, type))));
}
function closeAttempt(v, e, status) {
  const a = last(v.attempts);
  if (a && a.t1 < 0) {
    a.t1 = e.t;
    a.status = status;
    a.last = e;
    a.i1 = e.id;
  }
}
// All that is still going on inside a visit ends with it.
function closeInside(v, e, status) {
  for (const f of v.frames) {
    const l = last(f.visits),
      state = l && l.out && states.get(l.name);
    if (f.t1 < 0 && l && l.out && v.type === 'Parallel' && (!state || state.def.End || state.type === 'Succeed')) {
      f.t1 = l.t1;
      f.status = 'succeeded';
    }
    if (f.t1 < 0) {
      f.t1 = e.t;
      f.status = f.status || status;
    }
    for (const inner of f.visits)
      if (inner.t1 < 0) {
        closeInside(inner, e, status);
        close(inner, e, inner.status || status);
      }
  }
}
function close(v, e, status) {
  v.t1 = e.t;
  v.status = status;
  closeAttempt(v, e, status === 'caught' || status === 'failed' ? 'aborted' : status);
}
// A failure inside that was dealt with further out.
function forgive(v) {
  const todo = [v];
  while (todo.length) {
    for (const f of todo.pop().frames) {
      if (f.status === 'failed') f.status = 'caught';
      for (const inner of f.visits) {
        if (inner.status === 'failed' || inner.status === 'timed out') inner.status = 'caught';
        todo.push(inner);
      }
    }
  }
}
// The frame that a state is entered in. After a branch's or iteration's event, that of the event; in a branch's first state
// a new one. When the chain leads elsewhere (a redrive), the latest frame of the state's scope.
function frameFor(e, name) {
  const p = byId.get(e.prev),
    state = states.get(name);
  let frame = p ? p.frame || (p.visit && p.visit.frame) || root : root;
  if (p && p.type === 'ParallelStateStarted' && p.visit) {
    const index =
      state && state.scope.owner ? state.scope.index : p.visit.frames.filter((f) => f.attempt === p.visit.tries).length;
    return openFrame(p.visit, index, e);
  }
  const owner = state && state.scope.owner ? state.scope.owner.name : null;
  if (state && (frame.owner ? frame.owner.name : null) !== owner) {
    const v = owner && latest((x) => x.name === owner);
    if (!owner) frame = root;
    else if (v)
      frame =
        last(v.frames.filter((f) => v.type === 'Map' || f.index === state.scope.index)) || openFrame(v, state.scope.index, e);
  }
  return frame;
}

for (const e of events) {
  const p = byId.get(e.prev),
    type = e.type,
    name = detail(e, 'name');
  let m,
    v = null;
  if ((m = /^(.*)StateEntered$/.exec(type))) {
    // After a redrive: a visit that was cut short goes on.
    v = p && p.type === 'ExecutionRedriven' ? idle(m[1], name, at(e, 'input'), (x) => at(x.first, 'input')) : null;
    if (v) v.redrive = redrives;
    else v = enter(e, frameFor(e, name), name, m[1]);
    if (v.first !== e) v.failure = null;
    e.frame = v.frame;
    if (v.type === 'Fail') v.failure = e;
  } else if (/StateExited$/.test(type)) {
    v = around(p, (x) => x.name === name && isOpen(x)) || latest((x) => x.name === name && isOpen(x));
    if (v) {
      v.out = e;
      closeInside(v, e, 'aborted');
      close(v, e, v.failure ? 'caught' : 'succeeded');
      forgive(v);
    }
  } else if (/^Map(State|Run)Started$/.test(type) || type === 'ParallelStateStarted') {
    v = around(
      p,
      (x) =>
        (x.type === 'Map' || x.type === 'Parallel') &&
        x.type === type.slice(0, x.type.length) &&
        isOpen(x) &&
        (p.id === x.first.id || x.tries > 0 || type === 'MapRunStarted'),
    );
    if (v && type !== 'MapRunStarted') {
      if (v.tries) {
        closeInside(v, e, 'aborted');
        forgive(v);
        v.retried++;
      }
      v.tries++;
      v.failure = null;
    }
  } else if (/^MapIteration/.test(type)) {
    v = around(p, (x) => x.type === 'Map' && x.name === name && isOpen(x)) || latest((x) => x.type === 'Map' && x.name === name);
    const index = Number(detail(e, 'index'));
    if (v) {
      let f = v.items.get(index);
      if (type === 'MapIterationStarted' || !f) v.items.set(index, (f = openFrame(v, index, e)));
      if (type !== 'MapIterationStarted') {
        const status = type === 'MapIterationSucceeded' ? 'succeeded' : type === 'MapIterationFailed' ? 'failed' : 'aborted';
        f.t1 = e.t;
        f.status = status;
        if (status !== 'succeeded')
          for (const x of f.visits)
            if (x.t1 < 0) {
              closeInside(x, e, 'aborted');
              x.t1 = e.t;
              x.status = x.status || failedAs(x.failure);
            }
      }
      e.frame = f;
    }
  } else if ((m = /^(Map|Parallel)(?:State(?=[SF])|Run)(Succeeded|Failed|Aborted)$/.exec(type))) {
    v = around(p, (x) => x.type === m[1] && isOpen(x) && !x.status) || around(p, (x) => x.type === m[1] && isOpen(x));
    if (v && m[2] === 'Failed') {
      v.failure = e;
      closeInside(v, e, 'aborted');
      v.status = 'failed';
    }
  } else if (/StateAborted$/.test(type)) {
    // Says neither which state nor where: the chain leads to the failure that caused it. It follows what ended the iteration.
    const kind = type.replace('StateAborted', ''),
      stopped = (x) => x.type === kind && !x.aborted && !x.out;
    if (halted) v = within(halted, kind).find(stopped);
    if (!v && p && p.visit && stopped(p.visit)) v = p.visit;
    if (!v) {
      const owner = around(p, (x) => x.frames.length && isOpen(x));
      for (const f of owner ? owner.frames : []) v = v || within(f, kind).find((x) => stopped(x) && x.t1 < 0);
    }
    if (v) {
      v.aborted = e;
      closeInside(v, e, 'aborted');
      closeAttempt(v, e, 'aborted');
      if (v.t1 < 0) {
        v.t1 = e.t;
        v.status = failedAs(v.failure);
      }
    }
  } else if (type === 'EvaluationFailed') {
    const state = detail(e, 'state');
    v =
      latest((x) => x.name === state && isOpen(x) && (x.first.prev === e.prev || x.first.id === e.prev)) ||
      around(p, (x) => x.name === state && isOpen(x)) ||
      latest((x) => x.name === state && isOpen(x));
    if (v) {
      v.failure = e;
      closeAttempt(v, e, 'failed');
    }
  } else if (/^(Task|LambdaFunction|Activity)/.test(type)) {
    v = p && p.visit && p.visit.type === 'Task' ? p.visit : null;
    if (!v) {
      v = idle('Task', '', sent(e), (x) => (x.attempts.length ? sent(last(x.attempts).first) : -1));
    }
    if (v) {
      if (/Scheduled$/.test(type)) {
        if (v.attempts.length && v.redrive === redrives) v.again++;
        v.attempts.push({ n: v.attempts.length + 1, t0: e.t, t1: -1, status: 'running', first: e, last: e });
        v.failure = null;
      }
      v.redrive = redrives;
      if (/Succeeded$/.test(type)) closeAttempt(v, e, 'succeeded');
      if (FAILED.test(type)) {
        v.failure = e;
        closeAttempt(v, e, failedAs(e));
      }
    }
  } else if (type === 'ExecutionRedriven') {
    redrives++;
    for (const x of visits) if (x.t1 < 0) close(x, ending || e, failedAs(x.failure));
    ending = null;
  } else if (/^Execution(Failed|Aborted|TimedOut|Succeeded)$/.test(type)) {
    ending = e;
  }
  e.visit = v;
  if (!/StateAborted$/.test(type)) halted = /^MapIteration(Failed|Aborted)$/.test(type) ? e.frame : null;
  if (e.frame) e.frame.i1 = e.id;
  // What goes on after a redrive is open again, and so is all round it.
  const again = redrives > 0 && !/(Aborted|Failed)$/.test(type);
  for (let x = v; x; x = x.frame.owner) {
    x.i1 = x.frame.i1 = e.id;
    if (again && !x.out && x.t1 >= 0) {
      x.t1 = x.frame.t1 = -1;
      x.status = x.frame.status = '';
      x.aborted = null;
      if (x !== v) x.failure = null;
    }
  }
}

// ---- how it ended

const status =
  aboutText('status') ||
  (ending ? ending.type.slice(9).replace('TimedOut', 'TIMED_OUT').toUpperCase() : events.length ? 'RUNNING' : '');
const closing = { t: end };
// The event that the failure began with: a Map's and a Parallel's own failures point at it.
let culprit = null,
  cause = null;
if (ending && ending.type === 'ExecutionFailed') {
  let e = byId.get(ending.prev);
  for (let n = 0; e && /^(Map|Parallel)(State|Run|Iteration)Failed$/.test(e.type) && byId.get(e.prev) && n < 1000; n++) {
    if (e.type === 'MapRunFailed') break;
    e = byId.get(e.prev);
  }
  culprit = e ? e.visit : null;
  cause = e;
}
if (culprit) {
  if (culprit.t1 < 0) culprit.t1 = (cause.type.endsWith('Entered') ? ending : cause).t;
  culprit.status = FAILED.test(cause.type) ? failedAs(cause) : 'failed';
  for (let f = culprit.frame; f; f = f.owner && f.owner.frame) {
    f.status = 'failed';
    if (f.owner) f.owner.status = 'failed';
  }
}
const rest = { FAILED: 'aborted', ABORTED: 'aborted', TIMED_OUT: 'timed out', RUNNING: 'running' }[status] || 'succeeded';
for (const v of visits) {
  // A Pass that a redrive stepped over has no Exited event.
  if (v.t1 < 0 || !v.status) {
    closeInside(v, closing, rest);
    const t1 = v.t1;
    close(v, closing, v.status || rest);
    if (t1 >= 0) v.t1 = t1;
  }
}
for (const f of iterations)
  if (f.t1 < 0) {
    f.t1 = end;
    f.status = f.status || rest;
  }
root.status = { SUCCEEDED: 'succeeded', FAILED: 'failed', ABORTED: 'aborted', TIMED_OUT: 'timed out', '': '' }[status];
if (root.status === undefined) root.status = 'running';

// ---- a graph of what was seen, when there is no definition

function observed() {
  const scope = { owner: null, index: 0, startAt: null, states: [] };
  const seen = new Map();
  const ensure = (v) => {
    let s = seen.get(v.name);
    if (!s) {
      s = { name: v.name, type: v.type, def: { Type: v.type, seen: new Set() }, scopes: [], visits: [], from: -1, to: -1 };
      let into = scope;
      if (v.frame.owner) {
        const o = ensure(v.frame.owner),
          i = o.type === 'Map' ? 0 : v.frame.index;
        while (o.scopes.length <= i) o.scopes.push({ owner: o, index: o.scopes.length, startAt: null, states: [] });
        into = o.scopes[i];
      }
      s.scope = into;
      into.startAt = into.startAt || v.name;
      into.states.push(s);
      seen.set(v.name, s);
    }
    return s;
  };
  for (const f of new Set(visits.map((v) => v.frame)))
    f.visits.forEach((v, i) => {
      const s = ensure(v),
        next = f.visits[i + 1];
      if (next) s.def.seen.add(next.name);
    });
  for (const [k, s] of seen) {
    states.set(k, s);
    s.def.End = s.type !== 'Fail' && !s.def.seen.size;
  }
  return scope;
}
if (!machine || !machine.states.length) machine = observed();
for (const v of visits) {
  const s = states.get(v.name);
  if (s) s.visits.push(v);
}

// ---- words for things

const ORDER = ['failed', 'timed out', 'running', 'aborted', 'caught', 'succeeded'];
const worst = (list) => ORDER.find((s) => list.some((v) => v.status === s)) || '';
const retriesOf = (v) => v.again + v.retried;
const itemName = (f) =>
  f.owner ? (f.owner.type === 'Map' ? f.owner.name + ' [' + f.index + ']' : f.owner.name + ' · branch ' + (f.index + 1)) : '';
function trail(v) {
  const out = [];
  for (let f = v.frame; f.owner; f = f.owner.frame) out.unshift(f);
  return out;
}
const whole = (n) => n.toLocaleString('en-US');
const many = (n, one, more) => whole(n) + ' ' + (n === 1 ? one : more || one + 's');
function span(ms) {
  if (ms < 1000) return Math.round(ms) + ' ms';
  if (ms < 60000) return (ms / 1000).toFixed(ms < 10000 ? 2 : 1) + ' s';
  const s = Math.round(ms / 1000),
    d = Math.floor(s / 86400),
    h = Math.floor(s / 3600) % 24,
    m = Math.floor(s / 60) % 60;
  const pair = (a, x, b, y) => a + x + (b ? ' ' + b + y : '');
  return d ? pair(d, ' d', h, ' h') : h ? pair(h, ' h', m, ' min') : pair(m, ' min', s % 60, ' s');
}
function zone() {
  const m = -new Date(data.start).getTimezoneOffset(),
    a = Math.abs(m);
  return 'UTC' + (m ? (m < 0 ? '−' : '+') + Math.floor(a / 60) + (a % 60 ? ':' + (a % 60) : '') : '');
}
const two = (n, w) => String(n).padStart(w || 2, '0');
function clock(ms, withDay) {
  const d = new Date(data.start + ms);
  const day = d.getFullYear() + '-' + two(d.getMonth() + 1) + '-' + two(d.getDate());
  const time = two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds());
  return withDay ? day + ' ' + time : time + '.' + two(d.getMilliseconds(), 3);
}
