// The timeline: a tree of rows (visits, their attempts, iterations and branches), each with what it did on one axis.
//
// Only the rows in sight exist. A Map of a thousand items is shown as how many were busy when; its items come in groups,
// after the ones that failed. The axis is time, or the order of events, for a run that is over within a millisecond.
const list = $('rows'),
  ROW = 26;
const opened = new Set();
const redriven = events.filter((e) => e.type === 'ExecutionRedriven');
let rows = [],
  axis = end < 5 ? 'order' : 'time',
  win = null,
  current = null;
const began = (x) => (axis === 'time' ? x.t0 : x.first ? x.first.id : 0);
const ended = (x) => (axis === 'time' ? x.t1 : x.i1 || began(x));
const extent = () => (axis === 'time' ? [0, Math.max(end, 1)] : [0, events.length ? last(events).id + 1 : 1]);
const LIMIT = 30;

function groupsOf(v) {
  if (v.groups) return v.groups;
  const f = v.frames,
    bad = f.filter((x) => x.status === 'failed' || x.status === 'timed out').slice(0, 20);
  if (f.length <= LIMIT) return (v.groups = f);
  const odd = f.filter((x) => x.visits.some((y) => retriesOf(y) || y.status === 'caught') && !bad.includes(x)),
    out = bad.slice();
  const step = 10 ** Math.max(1, Math.ceil(Math.log10(f.length / 30)));
  if (odd.length) out.push({ title: 'Retried or caught: ' + whole(odd.length), frames: odd });
  for (let i = 0; i < f.length; i += step) {
    const part = f.slice(i, i + step);
    out.push({ title: (v.type === 'Map' ? 'Items ' : 'Branches ') + part[0].index + '–' + last(part).index, frames: part });
  }
  for (const g of out)
    if (g.title) {
      g.t0 = Math.min(...g.frames.map((x) => x.t0));
      g.t1 = Math.max(...g.frames.map((x) => x.t1));
      g.first = g.frames[0].first;
      g.i1 = Math.max(...g.frames.map((x) => x.i1 || 0));
      g.status = worst(g.frames);
    }
  return (v.groups = out);
}
// Visits of a loop that went round many times come in groups, too.
function visitsOf(f) {
  if (f.visits.length <= 10 * LIMIT) return f.visits;
  if (!f.groups) {
    f.groups = [];
    for (let i = 0; i < f.visits.length; i += 100) {
      const part = f.visits.slice(i, i + 100),
        names = [...new Set(part.map((v) => v.name))];
      f.groups.push({
        title:
          'States ' + (i + 1) + '–' + (i + part.length) + ': ' + names.slice(0, 4).join(', ') + (names.length > 4 ? ', …' : ''),
        parts: part,
        t0: part[0].t0,
        t1: Math.max(...part.map((x) => x.t1)),
        first: part[0].first,
        i1: last(part).i1,
        status: worst(part),
      });
    }
  }
  return f.groups;
}
const childrenOf = (x) =>
  x.parts ||
  (x.visits
    ? visitsOf(x)
    : x.title
      ? x.frames
      : x.frames.length
        ? groupsOf(x)
        : x.attempts && x.attempts.length > 1
          ? x.attempts
          : []);
const labelOf = (x) =>
  x.title ||
  (x.visits
    ? (x.owner.type === 'Map' ? 'Item ' + x.index : 'Branch ' + (x.index + 1)) + (x.attempt > 1 ? ' (try ' + x.attempt + ')' : '')
    : x.n
      ? 'Attempt ' + x.n
      : x.name);

function flatten() {
  rows = [];
  const filter = chosen.state && !chosen.visit && !chosen.frame;
  const top = filter ? (states.get(chosen.state) || { visits: [] }).visits : visitsOf(root);
  const stack = top
    .slice()
    .reverse()
    .map((x) => [x, 0]);
  while (stack.length) {
    const [x, depth] = stack.pop(),
      c = x.n ? [] : childrenOf(x);
    rows.push({
      x,
      depth,
      more: c.length > 0,
      name: filter && !depth ? [...trail(x).map((f) => labelOf(f)), x.name].join(' › ') : labelOf(x),
    });
    if (opened.has(x)) for (let i = c.length - 1; i >= 0; i--) stack.push([c[i], depth + 1]);
  }
  list.firstChild.style.height = rows.length * ROW + 'px';
  $('timeline-count').textContent = many(rows.length, 'row');
}
function drawRows() {
  const from = Math.max(0, Math.floor(list.scrollTop / ROW) - 2),
    to = Math.min(rows.length, from + Math.ceil(list.clientHeight / ROW) + 5);
  const focus = list.contains(document.activeElement) ? document.activeElement.dataset.row : null;
  fill(
    list.firstChild,
    rows.slice(from, to).map((r, k) => {
      const i = from + k,
        x = r.x,
        e = h('div.row' + (x === current ? '.current' : ''), {
          role: 'treeitem',
          tabIndex: i === (focus === null ? from : +focus) || i === from ? 0 : -1,
          'aria-level': r.depth + 1,
          'data-row': i,
          'aria-label': r.name + ', ' + (x.status || '') + ', ' + span(x.t1 - x.t0),
          title: r.name + ' · ' + x.status + ' · ' + clock(x.t0) + ' – ' + clock(x.t1) + ' · ' + span(x.t1 - x.t0),
        });
      if (r.more) e.setAttribute('aria-expanded', String(opened.has(x)));
      const label = h(
        'div.rowlabel',
        null,
        h('span.twist', { 'aria-hidden': 'true' }, r.more ? (opened.has(x) ? '▾' : '▸') : ''),
        mark(x.status),
        h('span.rowname', null, r.name),
      );
      label.style.setProperty('--depth', Math.min(r.depth, 9));
      const canvas = h('canvas');
      e.style.top = i * ROW + 'px';
      e.append(label, canvas);
      requestAnimationFrame(() => drawBar(canvas, x));
      return e;
    }),
  );
  if (focus !== null) {
    const e = list.querySelector('[data-row="' + focus + '"]');
    if (e) e.focus({ preventScroll: true });
  }
}

let colours = {};
function readColours() {
  const c = getComputedStyle(document.documentElement);
  for (const k of [
    'failed',
    'timed-out',
    'running',
    'aborted',
    'caught',
    'succeeded',
    'none',
    'text',
    'dim',
    'line',
    'soft',
    'paper',
    'accent',
  ])
    colours[k] = c.getPropertyValue('--' + k).trim();
}
function prepare(canvas) {
  const w = canvas.clientWidth,
    hgt = canvas.clientHeight,
    d = window.devicePixelRatio || 1,
    g = canvas.getContext('2d');
  canvas.width = w * d;
  canvas.height = hgt * d;
  g.scale(d, d);
  return [g, w, hgt];
}
const place = (w, t) => ((t - win[0]) / (win[1] - win[0])) * w;
// How many of the things are going on along the axis, as columns of that height; failures red.
function heat(g, w, top, height, things, column) {
  const n = Math.max(1, Math.ceil(w / column)),
    busy = new Float64Array(n + 1),
    bad = new Uint8Array(n + 1);
  for (const x of things) {
    const a = Math.floor(place(w, began(x)) / column),
      b = Math.floor(place(w, ended(x)) / column);
    if (b < 0 || a >= n) continue;
    busy[Math.max(0, a)]++;
    if (b + 1 < n) busy[b + 1]--;
    if (x.status === 'failed' || x.status === 'timed out') bad[Math.min(n - 1, Math.max(0, b))] = 1;
  }
  let most = 0,
    now = 0;
  for (let i = 0; i < n; i++) {
    now += busy[i];
    busy[i] = now;
    most = Math.max(most, now);
  }
  for (let i = 0; i < n; i++) {
    if (!busy[i] && !bad[i]) continue;
    const part = Math.max(2, (busy[i] / most) * height);
    g.fillStyle = colours.succeeded;
    g.globalAlpha = 0.55;
    g.fillRect(i * column, top + height - part, column, part);
    g.globalAlpha = 1;
    if (bad[i]) {
      g.fillStyle = colours.failed;
      g.fillRect(i * column, top, Math.max(2, column - 1), height);
    }
  }
  return most;
}
function drawBar(canvas, x) {
  const [g, w] = prepare(canvas),
    a = place(w, began(x)),
    b = Math.max(a + 2, place(w, ended(x)));
  for (const t of ticks(w)) {
    g.fillStyle = colours.line;
    g.fillRect(Math.round(place(w, t)), 0, 1, ROW);
  }
  g.fillStyle = colours.accent;
  for (const e of redriven) g.fillRect(Math.round(place(w, axis === 'time' ? e.t : e.id)), 0, 1, ROW);
  if (b < 0 || a > w) {
    g.fillStyle = colours.dim;
    g.font = '11px ' + FONT;
    g.fillText(b < 0 ? '‹' : '›', b < 0 ? 2 : w - 8, 17);
    return;
  }
  const bar = (from, to, status, alpha) => {
    from = Math.max(-4, from);
    to = Math.min(w + 4, Math.max(to, from + 2));
    if (to <= from) return;
    g.fillStyle = colours[css(status)] || colours.none;
    g.globalAlpha = alpha || 1;
    g.beginPath();
    if (g.roundRect) g.roundRect(from, 7, to - from, 12, Math.min(3, (to - from) / 2));
    else g.rect(from, 7, to - from, 12);
    g.fill();
    g.globalAlpha = 1;
  };
  const parts = x.parts || x.visits || (x.attempts && x.attempts.length > 1 ? x.attempts : null);
  if (x.frames && x.frames.length > 1 && x.frames.length < 6) {
    const tall = 16 / x.frames.length;
    x.frames.forEach((f, i) => {
      const from = Math.max(-4, place(w, began(f)));
      g.fillStyle = colours[css(f.status)] || colours.none;
      const to = Math.min(w + 4, Math.max(from + 2, place(w, ended(f))));
      if (to > from) g.fillRect(from, 5 + i * tall, to - from, tall - 1);
    });
  } else if (x.frames && x.frames.length > 1) {
    bar(a, b, x.status, 0.15);
    heat(g, w, 4, ROW - 8, x.frames, 2);
  } else if (parts) {
    bar(a, b, x.status, 0.2);
    let edge = -9,
      was = 9;
    for (const p of parts) {
      const from = place(w, began(p)),
        to = place(w, ended(p)),
        rank = ORDER.indexOf(p.status);
      if (to < edge + 0.7 && rank >= was) continue;
      bar(from, to - (to - from > 4 ? 1 : 0), p.status);
      edge = Math.max(edge, to);
      was = rank;
    }
  } else bar(a, b, x.status, x.attempts && x.frames && x.type !== 'Task' && x.type !== 'Wait' && b - a > 40 ? 0.7 : 1);
  const label =
    span(x.t1 - x.t0) +
    (x.attempts && x.attempts.length > 1
      ? ' · ' + many(x.attempts.length, 'attempt')
      : x.frames && x.frames.length > 1 && x.type === 'Map'
        ? ' · ' + many(x.frames.length, 'item')
        : '');
  g.font = '11px ' + FONT;
  const room = g.measureText(label).width;
  g.fillStyle = colours.dim;
  if (b + 6 + room < w) g.fillText(label, Math.max(0, b) + 6, 17);
  else if (a - 6 - room > 0) g.fillText(label, a - 6 - room, 17);
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5,
  864e5, 1728e5, 6048e5, 2592e6, 7776e6, 31536e6,
];
function step(w) {
  const want = (win[1] - win[0]) / Math.max(2, w / 92),
    known = axis === 'time' && STEPS.find((s) => s >= want);
  return known || [1, 2, 5, 10].map((k) => k * 10 ** Math.floor(Math.log10(Math.max(1, want)))).find((s) => s >= want) || 1;
}
function ticks(w) {
  const by = step(w),
    out = [];
  for (let t = Math.ceil(win[0] / by) * by; t <= win[1]; t += by) out.push(t);
  return out;
}
function drawAxis() {
  let [g, w] = prepare($('axis'));
  g.font = '11px ' + FONT;
  for (const t of ticks(w)) {
    const x = Math.round(place(w, t)),
      label =
        axis === 'time'
          ? (t ? '+' : '') + (t < 1000 || step(w) < 1000 ? span(t) : span(t).replace(/\.0+(?= s)|(\.\d*?)0+(?= s)/, '$1'))
          : '#' + t;
    g.fillStyle = colours.line;
    g.fillRect(x, 12, 1, 10);
    g.fillStyle = colours.dim;
    if (x + g.measureText(label).width < w) g.fillText(label, x + 4, 17);
  }
  const zoomed = win;
  [g, w] = prepare($('overview'));
  win = extent();
  heat(g, w, 3, 30, iterations.length > 20 ? iterations : visits, 2);
  const a = place(w, zoomed[0]),
    b = place(w, zoomed[1]);
  win = zoomed;
  g.fillStyle = colours.paper;
  g.globalAlpha = 0.75;
  g.fillRect(0, 0, a, 36);
  g.fillRect(b, 0, w - b, 36);
  g.globalAlpha = 1;
  g.strokeStyle = colours.accent;
  if (b - a < w - 1) g.strokeRect(a + 0.5, 0.5, Math.max(2, b - a - 1), 35);
}
function redraw() {
  drawAxis();
  drawRows();
}
function view(a, b) {
  const [from, to] = extent(),
    least = axis === 'time' ? 2 : 4;
  if (b - a < least) {
    const m = (a + b) / 2;
    a = m - least / 2;
    b = m + least / 2;
  }
  const w = Math.min(b - a, to - from);
  a = Math.max(from, Math.min(a, to - w));
  win = [a, a + w];
  redraw();
}
function widen(by, atPart) {
  const w = win[1] - win[0],
    m = win[0] + w * (atPart === undefined ? 0.5 : atPart);
  view(m - (m - win[0]) * by, m + (win[1] - m) * by);
}
function pan(part) {
  const d = (win[1] - win[0]) * part;
  view(win[0] + d, win[1] + d);
}

$('time-in').onclick = () => widen(0.5);
$('time-out').onclick = () => widen(2);
$('time-fit').onclick = () => view(...extent());
$('time-axis').onchange = () => {
  axis = $('time-axis').value;
  win = extent();
  redraw();
};
const track = () => {
  const c = list.querySelector('canvas');
  return c ? c.getBoundingClientRect() : list.getBoundingClientRect();
};
list.addEventListener('scroll', () => drawRows(), { passive: true });
list.addEventListener(
  'wheel',
  (e) => {
    const box = track();
    if (e.ctrlKey || e.metaKey) {
      e.preventDefault();
      widen(Math.exp(e.deltaY / 300), (e.clientX - box.left) / box.width);
    } else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
      e.preventDefault();
      pan((e.deltaX || e.deltaY) / box.width);
    }
  },
  { passive: false },
);
// Sideways drags move the window; two fingers zoom it.
const touches = new Map();
let pulled = 0,
  wide = 0;
list.addEventListener('pointerdown', (e) => {
  touches.set(e.pointerId, e.clientX);
  pulled = 0;
  wide = 0;
});
list.addEventListener('pointermove', (e) => {
  if (!touches.has(e.pointerId)) return;
  const d = e.clientX - touches.get(e.pointerId),
    box = track();
  touches.set(e.pointerId, e.clientX);
  if (touches.size === 2) {
    const [a, b] = [...touches.values()],
      now = Math.abs(a - b);
    if (wide && now) widen(wide / now, ((a + b) / 2 - box.left) / box.width);
    wide = now;
  } else {
    pulled += Math.abs(d);
    if (pulled > 4 && d) pan(-d / box.width);
  }
});
for (const n of ['pointerup', 'pointercancel', 'pointerleave']) list.addEventListener(n, (e) => touches.delete(e.pointerId));
let brush = null;
const overview = $('overview');
const part = (e) => {
  const box = overview.getBoundingClientRect(),
    [a, b] = extent();
  return a + (b - a) * Math.min(1, Math.max(0, (e.clientX - box.left) / box.width));
};
overview.addEventListener('pointerdown', (e) => {
  brush = part(e);
  overview.setPointerCapture(e.pointerId);
});
overview.addEventListener('pointermove', (e) => {
  if (brush !== null) {
    const p = part(e);
    if (p !== brush) view(Math.min(brush, p), Math.max(brush, p));
  }
});
overview.addEventListener('pointerup', () => {
  brush = null;
});
overview.addEventListener('dblclick', () => view(...extent()));

function toggle(x) {
  if (opened.has(x)) opened.delete(x);
  else opened.add(x);
  flatten();
  drawRows();
}
function pick(i) {
  const x = rows[i].x;
  current = x;
  if (x.title) toggle(x);
  else if (x.visits) chooseWithin({ frame: x });
  else if (x.n) {
    drawRows();
    show(x.first);
  } else chooseWithin({ visit: x, state: x.name });
}
list.addEventListener('click', (e) => {
  const r = e.target.closest('.row');
  if (!r || pulled > 4) return;
  const i = +r.dataset.row;
  if (e.target.classList.contains('twist')) toggle(rows[i].x);
  else pick(i);
});
list.addEventListener('dblclick', (e) => {
  const r = e.target.closest('.row'),
    x = r && rows[+r.dataset.row].x;
  if (x) {
    const a = began(x),
      b = ended(x),
      m = (b - a) * 0.1;
    view(a - m, b + m);
  }
});
list.addEventListener('keydown', (e) => {
  const r = e.target.closest('.row');
  if (!r) return;
  const i = +r.dataset.row,
    x = rows[i].x;
  let to = -1;
  if (e.key === 'ArrowDown') to = i + 1;
  else if (e.key === 'ArrowUp') to = i - 1;
  else if (e.key === 'Home') to = 0;
  else if (e.key === 'End') to = rows.length - 1;
  else if (e.key === 'ArrowRight') {
    if (rows[i].more && !opened.has(x)) toggle(x);
    else to = i + 1;
  } else if (e.key === 'ArrowLeft') {
    if (opened.has(x)) toggle(x);
    else for (to = i - 1; to > 0 && rows[to].depth >= rows[i].depth; to--);
  } else if (e.key === 'Enter' || e.key === ' ') pick(i);
  else if (e.key === '+') widen(0.5);
  else if (e.key === '-') widen(2);
  else return;
  e.preventDefault();
  if (to >= 0 && to < rows.length) {
    if (to * ROW < list.scrollTop) list.scrollTop = to * ROW;
    if ((to + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (to + 1) * ROW - list.clientHeight;
    drawRows();
    const target = list.querySelector('[data-row="' + to + '"]');
    if (target) target.focus({ preventScroll: true });
  }
});
// Opens all that is round a visit, and brings it into sight.
function showVisit(v) {
  for (const f of [v.frame, ...trail(v).map((f) => f.owner.frame)])
    for (const g of visitsOf(f))
      if (g.parts && (g.parts.includes(v) || trail(v).some((y) => g.parts.includes(y.owner)))) opened.add(g);
  for (const f of trail(v)) {
    opened.add(f.owner);
    if (!groupsOf(f.owner).includes(f)) {
      const g = groupsOf(f.owner).find((y) => y.title && y.frames.includes(f));
      if (g) opened.add(g);
    }
    opened.add(f);
  }
  if (v.attempts.length > 1) opened.add(v);
  current = v;
  flatten();
  const i = rows.findIndex((r) => r.x === v);
  if (i >= 0) list.scrollTop = Math.max(0, i * ROW - list.clientHeight / 2);
}
