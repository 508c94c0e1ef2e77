// The picture of the workflow: states in layers, top to bottom, each Map and Parallel a box round its own layout.
//
// 1. edges that lead back up are turned round for the time being   2. a state's layer is its longest way from the start
// 3. edges that pass layers get a joint in each, and all that lead to one state share theirs, so that fifty catchers of one
//    handler are one line   4. layers are ordered by the middle of their neighbours   5. places: the least squares of the
//    wanted ones that keep order and distance
const ink = document.createElement('canvas').getContext('2d');
function textWidth(s, font) {
  ink.font = font;
  return ink.measureText(s).width;
}
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const NAME = '600 13px ' + FONT,
  SMALL = '11px ' + FONT;
function fit(s, width, font) {
  if (textWidth(s, font) <= width) return s;
  let a = 0,
    b = s.length;
  while (a < b) {
    const m = (a + b + 1) >> 1;
    if (textWidth(s.slice(0, m) + '…', font) <= width) a = m;
    else b = m - 1;
  }
  return s.slice(0, a) + '…';
}

const SIGNS = { Equals: '=', LessThan: '<', GreaterThan: '>', LessThanEquals: '≤', GreaterThanEquals: '≥', Matches: 'like' };
function condition(rule, depth) {
  if (!rule || typeof rule !== 'object' || depth > 8) return '…';
  if (typeof rule.Condition === 'string') return rule.Condition.replace(/^\{%\s*|\s*%\}$/g, '');
  for (const [key, word] of [
    ['And', ' and '],
    ['Or', ' or '],
  ])
    if (Array.isArray(rule[key])) return rule[key].map((r) => condition(r, depth + 1)).join(word);
  if (rule.Not) return 'not ' + condition(rule.Not, depth + 1);
  for (const key of Object.keys(rule)) {
    const m = /^(String|Numeric|Boolean|Timestamp)(.*?)(Path)?$/.exec(key);
    if (m && SIGNS[m[2]]) return rule.Variable + ' ' + SIGNS[m[2]] + ' ' + (m[3] ? rule[key] : JSON.stringify(rule[key]));
    if (/^Is/.test(key)) return rule.Variable + (rule[key] ? ' is ' : ' is not ') + key.slice(2).toLowerCase();
  }
  return '…';
}

// The edges that leave a state: {to, label, kind}; several to one state are one.
function edgesOf(state) {
  const d = state.def,
    out = new Map();
  const add = (to, label, kind) => {
    if (typeof to !== 'string') return;
    const e = out.get(kind + to);
    if (e) e.labels.push(label);
    else out.set(kind + to, { to, kind, labels: [label] });
  };
  if (d.seen) for (const to of d.seen) add(to, '', 'next');
  if (Array.isArray(d.Choices)) for (const c of d.Choices) if (c) add(c.Next, condition(c, 0), 'next');
  if (d.Default) add(d.Default, 'otherwise', 'next');
  if (d.Next) add(d.Next, '', 'next');
  if (Array.isArray(d.Catch))
    for (const c of d.Catch)
      if (c)
        add(
          c.Next,
          []
            .concat(c.ErrorEquals || [])
            .map((n) => (String(n) === 'States.ALL' ? 'any error' : String(n)))
            .join(', '),
          'catch',
        );
  return [...out.values()];
}

const taken = new Map();
for (const frame of [root, ...visits.flatMap((v) => v.frames)])
  frame.visits.forEach((v, i) => {
    const to = frame.visits[i + 1];
    if (to) {
      const k = JSON.stringify([v.name, to.name]);
      taken.set(k, (taken.get(k) || 0) + 1);
    }
  });

// Whether a state is in a distributed Map, whose items are executions of their own.
function apart(st) {
  for (let o = st.scope.owner; o; o = o.scope.owner) {
    const p = o.def.ItemProcessor;
    if (p && p.ProcessorConfig && p.ProcessorConfig.Mode === 'DISTRIBUTED') return true;
  }
  return false;
}
// The second line in a state's box.
function subOf(st) {
  const v = st.visits,
    retries = v.reduce((a, b) => a + retriesOf(b), 0);
  return [
    st.type === 'Task' ? resourceName(st.def.Resource) : st.type,
    v.length > 1 ? '×' + whole(v.length) : v.length ? '' : apart(st) ? 'has its own history' : 'not reached',
    retries ? '↻ ' + whole(retries) : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

const GAP_X = 26,
  HEAD = 48;
function layout(scope) {
  const nodes = [],
    node = new Map(),
    links = [];
  for (const s of scope.states) {
    const wide = Math.max(textWidth(s.name, NAME) + 42, textWidth(subOf(s), SMALL) + 44, 128),
      n = { state: s, inner: s.scopes.map(layout), out: [], in: [] };
    n.w = Math.min(wide, 250);
    n.h = HEAD;
    if (n.inner.length) {
      n.w = Math.max(
        n.w,
        n.inner.reduce((w, b) => w + b.w + 14, 14),
      );
      n.h = HEAD + Math.max(...n.inner.map((b) => b.h)) + 14;
    }
    nodes.push(n);
    node.set(s.name, n);
  }
  for (const n of nodes)
    for (const e of edgesOf(n.state)) {
      const to = node.get(e.to);
      if (to)
        links.push({
          from: n,
          to,
          kind: e.kind,
          label: e.labels.join(' | '),
          count: taken.get(JSON.stringify([n.state.name, e.to])) || 0,
        });
    }
  for (const l of links) if (l.from !== l.to) l.from.out.push(l);

  // 1: back edges, by a walk from the start in the order of the definition
  const order = [],
    begin = node.get(scope.startAt);
  for (const first of begin ? [begin, ...nodes] : nodes) {
    if (first.seen) continue;
    const stack = [[first, 0]];
    first.seen = 1;
    while (stack.length) {
      const top = last(stack),
        l = top[0].out[top[1]++];
      if (!l) {
        top[0].seen = 2;
        order.push(top[0]);
        stack.pop();
        continue;
      }
      if (l.to.seen === 1) l.back = true;
      if (!l.to.seen) {
        l.to.seen = 1;
        stack.push([l.to, 0]);
      }
    }
  }
  // 2
  order.reverse();
  const forward = order.map((n) => ({ n, to: [] })),
    where = new Map(forward.map((f) => [f.n, f]));
  for (const l of links) if (l.from !== l.to) where.get(l.back ? l.to : l.from).to.push(l.back ? l.from : l.to);
  for (const n of nodes) n.layer = 0;
  for (const f of forward) for (const t of f.to) t.layer = Math.max(t.layer, f.n.layer + 1);

  // 3
  const layers = [],
    joints = new Map(),
    parts = new Map();
  for (const n of order) (layers[n.layer] = layers[n.layer] || []).push(n);
  const part = (a, b, l, label) => {
    const key = a.key + '>' + b.key + (l.kind === 'catch' ? 'c' : '');
    let p = parts.get(key);
    if (!p) parts.set(key, (p = { a, b, kind: l.kind, count: 0, labels: [], links: [] }));
    p.count += l.count;
    p.links.push(l);
    if (label) p.labels.push(label);
    return p;
  };
  nodes.forEach((n, i) => {
    n.key = i;
  });
  for (const l of links) {
    if (l.from === l.to) continue;
    const top = l.back ? l.to : l.from,
      bottom = l.back ? l.from : l.to;
    let a = top;
    for (let layer = top.layer + 1; layer <= bottom.layer; layer++) {
      let b = bottom;
      if (layer < bottom.layer) {
        const key = l.to.key + ':' + layer + l.kind + (l.back ? 'b' : '');
        b = joints.get(key);
        if (!b) {
          joints.set(key, (b = { key: 'j' + key, layer, w: 10, h: 0, joint: true }));
          layers[layer].push(b);
        }
      }
      const p = part(a, b, l, l.back ? '' : a === l.from ? l.label : '');
      if (p.labels.length && b.joint) b.w = Math.max(b.w, Math.min(170, textWidth(p.labels.join(' | '), SMALL) + 14));
      if (l.back) p.back = true;
      a = b;
    }
  }
  const all = [...parts.values()],
    up = new Map(),
    down = new Map();
  for (const list of layers)
    for (const n of list) {
      up.set(n, []);
      down.set(n, []);
    }
  // What is joined to joints only is to be straight; catchers and loops do not bend the way that things usually take.
  for (const p of all) {
    const w = p.a.joint && p.b.joint ? 8 : p.a.joint || p.b.joint || p.back ? 0.03 : p.kind === 'catch' ? 0.05 : 2;
    up.get(p.b).push({ n: p.a, w });
    down.get(p.a).push({ n: p.b, w });
  }

  // 4
  const number = (list) =>
    list.forEach((n, i) => {
      n.pos = i;
    });
  layers.forEach(number);
  const sort = (list, side) => {
    for (const n of list) {
      const near = side.get(n);
      n.mid = near.length
        ? (near.reduce((s, o) => s + o.n.pos / layers[o.n.layer].length, 0) / near.length) * list.length
        : n.pos;
    }
    list.sort((a, b) => a.mid - b.mid);
    number(list);
  };
  for (let round = 0; round < 6; round++) {
    for (let i = 1; i < layers.length; i++) sort(layers[i], up);
    for (let i = layers.length - 2; i >= 0; i--) sort(layers[i], down);
  }
  for (let i = 1; i < layers.length; i++) sort(layers[i], up);

  // 5
  const place = (list, wanted) => {
    const blocks = [];
    let offset = 0;
    list.forEach((n, i) => {
      if (i) offset += (list[i - 1].w + n.w) / 2 + (n.joint && list[i - 1].joint ? 8 : GAP_X);
      n.offset = offset;
      const [x, weight] = wanted(n),
        w = n.joint ? weight / 1e4 : weight;
      let b = { sum: (x - offset) * w, w, from: i };
      while (blocks.length && last(blocks).sum / last(blocks).w >= b.sum / b.w) {
        const c = blocks.pop();
        b = { sum: b.sum + c.sum, w: b.w + c.w, from: c.from };
      }
      blocks.push(b);
    });
    blocks.forEach((b, k) => {
      for (let i = b.from; i < (k + 1 < blocks.length ? blocks[k + 1].from : list.length); i++)
        list[i].x = b.sum / b.w + list[i].offset;
    });
  };
  const middle = (near, n) => {
    const w = near.reduce((s, o) => s + o.w, 0.002);
    return [near.reduce((s, o) => s + o.n.x * o.w, n.x * 0.002) / w, w];
  };
  for (const list of layers) {
    for (const n of list) n.x = 0;
    place(list, () => [0, 1]);
  }
  for (let round = 0; round < 10; round++) {
    for (let i = 1; i < layers.length; i++) place(layers[i], (n) => middle(up.get(n), n));
    for (let i = layers.length - 2; i >= 0; i--)
      place(layers[i], (n) => middle(down.get(n).concat(round > 7 ? up.get(n) : []), n));
  }

  let y = 26,
    left = 0,
    right = 0;
  const named = new Set(all.filter((p) => p.labels.length).map((p) => p.a.layer));
  layers.forEach((list, i) => {
    const h = Math.max(...list.map((n) => n.h), 0);
    for (const n of list) {
      n.y = n.joint ? y : y + (h - n.h) * (n.inner && n.inner.length ? 0 : 0);
      n.bottom = n.joint ? y + h : n.y + n.h;
      left = Math.min(left, n.x - n.w / 2);
      right = Math.max(right, n.x + n.w / 2);
    }
    y += h + (named.has(i) ? 58 : 36);
  });
  const loops = links.some((l) => l.from === l.to) ? 34 : 0;
  for (const list of layers) for (const n of list) n.x -= left;

  // Where edges leave and arrive: side by side, in the order of their other ends.
  for (const [key, side, other] of [
    ['a', 'xa', 'b'],
    ['b', 'xb', 'a'],
  ]) {
    const groups = new Map();
    for (const p of all) groups.set(p[key], (groups.get(p[key]) || []).concat(p));
    for (const [n, list] of groups) {
      list.sort((p, q) => p[other].x - q[other].x);
      const wide = Math.min(n.w * 0.6, 22 * (list.length - 1));
      list.forEach((p, i) => {
        p[side] = n.joint || list.length < 2 ? n.x : n.x - wide / 2 + (wide * i) / (list.length - 1);
      });
    }
  }
  return {
    scope,
    nodes,
    layers,
    parts: all,
    begin,
    loops: links.filter((l) => l.from === l.to),
    w: right - left + loops,
    h: y + 2 - (layers.length ? 8 : 0),
  };
}

// ---- drawing

const SVG = 'http://www.w3.org/2000/svg';
function s(tag, attributes, ...children) {
  const e = document.createElementNS(SVG, tag);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  e.append(...children);
  return e;
}
const MARKS = { succeeded: '✓', failed: '✕', 'timed out': '◷', running: '…', aborted: '⊘', caught: '!', '': '' };
const css = (status) => (status || 'none').replace(' ', '-');

function drawScope(box, dx, dy, into) {
  const lines = s('g', {}),
    tops = s('g', {});
  into.append(lines, tops);
  const arrow = (x, y, up, c) =>
    s('path', {
      class: 'tip ' + c,
      d: up ? `M${x - 4} ${y + 7}L${x} ${y}L${x + 4} ${y + 7}Z` : `M${x - 4} ${y - 7}L${x} ${y}L${x + 4} ${y - 7}Z`,
    });
  for (const list of box.layers)
    for (const n of list)
      if (n.joint && n.bottom > n.y) {
        const p = box.parts.filter((q) => q.a === n),
          c = (p[0].kind === 'catch' ? ' catch' : '') + (p.some((q) => q.count) ? ' taken' : '');
        lines.append(s('path', { class: 'edge' + c, d: `M${dx + n.x} ${dy + n.y}V${dy + n.bottom}` }));
      }
  for (const p of box.parts) {
    const x1 = dx + p.xa,
      y1 = dy + p.a.bottom,
      x2 = dx + p.xb,
      y2 = dy + p.b.y,
      my = (y1 + y2) / 2;
    const c = (p.kind === 'catch' ? ' catch' : '') + (p.count ? ' taken' : '');
    const tipDown = !p.back && !p.b.joint,
      tipUp = p.back && !p.a.joint;
    lines.append(
      s('path', { class: 'edge' + c, d: `M${x1} ${tipUp ? y1 + 5 : y1}C${x1} ${my} ${x2} ${my} ${x2} ${tipDown ? y2 - 5 : y2}` }),
    );
    if (tipDown) lines.append(arrow(x2, y2, false, c));
    if (tipUp) lines.append(arrow(x1, y1, true, c));
    const label = p.labels.filter(Boolean).join(' | ');
    if (label || (p.count > 1 && !p.a.joint && !p.back)) {
      const shown =
        fit(label, Math.max(110, Math.min(170, p.b.w)), SMALL) +
        (p.count > 1 && !p.a.joint ? (label ? '  ' : '') + '×' + whole(p.count) : '');
      const w = textWidth(shown, SMALL) + 8,
        lone = box.parts.filter((q) => q.b === p.b && q.labels.length).length < 2;
      const lx = lone ? (x1 + 3 * x2) / 4 : x1 + (x2 - x1) * 0.35,
        ly = lone ? y2 - 21 : y1 + (y2 - y1) * 0.42;
      tops.append(
        s('rect', { class: 'label', x: lx - w / 2, y: ly - 7, width: w, height: 14, rx: 3 }),
        s(
          'text',
          { class: 'labeltext' + c, x: lx, y: ly + 3.5, 'text-anchor': 'middle' },
          s('title', {}, label + (p.count ? ' (taken ' + many(p.count, 'time') + ')' : '')),
          shown,
        ),
      );
    }
  }
  for (const l of box.loops) {
    const x = dx + l.from.x + l.from.w / 2,
      y = dy + l.from.y + 12;
    lines.append(
      s('path', {
        class: 'edge' + (l.count ? ' taken' : ''),
        d: `M${x} ${y + 22}C${x + 34} ${y + 26} ${x + 34} ${y - 6} ${x + 6} ${y}`,
      }),
      s('path', { class: 'tip' + (l.count ? ' taken' : ''), d: `M${x} ${y}l7 -4v8Z` }),
    );
  }
  if (box.begin) {
    const x = dx + box.begin.x,
      y = dy + box.begin.y,
      c = box.begin.state.visits.length ? ' taken' : '';
    lines.append(
      s('path', { class: 'edge' + c, d: `M${x} ${y - 18}V${y - 5}` }),
      arrow(x, y, false, c),
      s('circle', { class: 'dot' + c, cx: x, cy: y - 20, r: 4.5 }),
    );
  }
  for (const n of box.nodes) drawState(n, dx, dy, tops);
}

function drawState(n, dx, dy, into) {
  const st = n.state,
    x = dx + n.x - n.w / 2,
    y = dy + n.y,
    v = st.visits,
    state = worst(v);
  const retries = v.reduce((a, b) => a + retriesOf(b), 0);
  const g = s('g', {
    class: 'state is-' + css(state) + (n.inner.length ? ' outer' : ''),
    tabindex: -1,
    role: 'button',
    'aria-pressed': 'false',
    'data-state': st.name,
  });
  const sub = subOf(st);
  const tally = ORDER.map((k) => [k, v.filter((z) => z.status === k).length]).filter((t) => t[1]);
  g.setAttribute(
    'aria-label',
    st.name +
      ', ' +
      st.type +
      ': ' +
      (tally.map((t) => (v.length > 1 ? whole(t[1]) + ' ' : '') + t[0]).join(', ') || 'not reached') +
      (retries ? ', ' + many(retries, 'retry', 'retries') : ''),
  );
  const ends = st.def.End === true || st.type === 'Succeed';
  if (ends || st.type === 'Fail') {
    const c =
        v.some((z) => z.status === 'succeeded' && last(z.frame.visits) === z) || (st.type === 'Fail' && v.length) ? ' taken' : '',
      cx = dx + n.x,
      by = y + n.h;
    into.append(
      s('path', { class: 'edge' + c, d: `M${cx} ${by}v9` }),
      ends
        ? s('circle', { class: 'ring' + c, cx, cy: by + 13, r: 4 })
        : s('path', { class: 'edge' + c, d: `M${cx - 6} ${by + 9}h12` }),
    );
  }
  g.append(s('rect', { class: 'body', x, y, width: n.w, height: n.h, rx: st.type === 'Choice' ? 16 : 7 }));
  if (state)
    g.append(
      s('circle', { class: 'mark', cx: x + 18, cy: y + 19, r: 8.5 }),
      s('text', { class: 'marktext', x: x + 18, y: y + 22.7, 'text-anchor': 'middle' }, MARKS[state]),
    );
  const tx = state ? x + 33 : x + 14;
  g.append(
    s(
      'text',
      { class: 'name', x: tx, y: y + 20 },
      s('title', {}, g.getAttribute('aria-label')),
      fit(st.name, n.w - (tx - x) - 8, NAME),
    ),
    s('text', { class: 'sub', x: tx, y: y + 35.5 }, fit(sub, n.w - (tx - x) - 8, SMALL)),
  );
  if (v.length > 1) {
    let bx = x + 8;
    const room = n.w - 16;
    for (const [k, c] of tally) {
      const w = Math.max(2.5, (c / v.length) * room);
      g.append(
        s('rect', { class: 'bar is-' + css(k), x: bx, y: y + HEAD - 7, width: Math.min(w, x + 8 + room - bx), height: 3 }),
      );
      bx += w;
      if (bx > x + 8 + room - 2.5) break;
    }
  }
  into.append(g);
  let bx = x + (n.w - n.inner.reduce((w, b) => w + b.w + 14, -14)) / 2;
  for (const b of n.inner) {
    const h = n.h - HEAD - 8;
    into.append(s('rect', { class: 'scope', x: bx - 5, y: y + HEAD, width: b.w + 10, height: h, rx: 5 }));
    drawScope(b, bx, y + HEAD + 4, into);
    bx += b.w + 14;
  }
  n.cx = dx + n.x;
  n.cy = y + 24;
  placeOf.set(st.name, n);
}
const placeOf = new Map();
function resourceName(r) {
  if (typeof r !== 'string') return 'Task';
  const m = /^arn:[^:]*:states:[^:]*:[^:]*:(activity:)?(.*)$/.exec(r),
    f = /:function:([^:]+)/.exec(r);
  return f ? f[1] : m ? m[2].replace(/^aws-sdk:/, '') : r;
}

const graph = layout(machine),
  PAD = 16;
const picture = s('svg', { xmlns: SVG, role: 'group', 'aria-label': 'The workflow' });
const size = { w: graph.w + 2 * PAD, h: graph.h + 2 * PAD };
picture.setAttribute('viewBox', `0 0 ${size.w} ${size.h}`);
drawScope(graph, PAD, PAD, picture);

const scene = $('graph');
scene.append(picture);
let scale = 1;
function zoom(to, cx, cy) {
  const before = scale,
    box = scene.getBoundingClientRect();
  scale = Math.min(2.5, Math.max(0.08, to));
  cx = cx === undefined ? box.width / 2 : cx;
  cy = cy === undefined ? box.height / 2 : cy;
  const x = (scene.scrollLeft + cx) / before,
    y = (scene.scrollTop + cy) / before;
  picture.setAttribute('width', size.w * scale);
  picture.setAttribute('height', size.h * scale);
  scene.scrollLeft = x * scale - cx;
  scene.scrollTop = y * scale - cy;
}
const fitting = () => Math.min(scene.clientWidth / size.w, scene.clientHeight / size.h, 1.15);
function reveal(name) {
  const n = placeOf.get(name);
  if (n) scene.scrollTo(n.cx * scale - scene.clientWidth / 2, n.cy * scale - scene.clientHeight / 2);
}
// What is too large to be read as a whole begins where it matters.
function openGraph() {
  if (!graph.nodes.length) return fill(scene, h('p.note', null, 'There is neither a definition nor a state that was entered.'));
  scene.style.height =
    Math.min(scene.clientHeight, Math.max(220, size.h * Math.min(1.15, scene.clientWidth / size.w) + 4)) + 'px';
  const whole = fitting(),
    wide = Math.min(1, scene.clientWidth / size.w);
  zoom(whole > 0.62 ? whole : Math.max(0.8, Math.min(1, wide)));
  if (whole <= 0.62) reveal(culprit ? culprit.name : machine.startAt);
}
const firstState = picture.querySelector('[data-state]');
if (firstState) firstState.setAttribute('tabindex', 0);
$('zoom-in').onclick = () => zoom(scale * 1.3);
$('zoom-out').onclick = () => zoom(scale / 1.3);
$('zoom-fit').onclick = () => zoom(fitting());
scene.addEventListener(
  'wheel',
  (e) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    const box = scene.getBoundingClientRect();
    zoom(scale * Math.exp(-e.deltaY / 300), e.clientX - box.left, e.clientY - box.top);
  },
  { passive: false },
);
// A mouse drags; fingers scroll by themselves, and two of them zoom.
const fingers = new Map();
let drag = null,
  pinch = 0;
scene.addEventListener('pointerdown', (e) => {
  fingers.set(e.pointerId, e);
  drag =
    e.pointerType === 'mouse' && e.button === 0
      ? { x: e.clientX, y: e.clientY, l: scene.scrollLeft, t: scene.scrollTop, far: false }
      : null;
});
scene.addEventListener('pointermove', (e) => {
  if (drag) {
    if (Math.abs(e.clientX - drag.x) + Math.abs(e.clientY - drag.y) > 4) drag.far = true;
    if (drag.far) {
      scene.scrollLeft = drag.l - e.clientX + drag.x;
      scene.scrollTop = drag.t - e.clientY + drag.y;
    }
  }
  if (!fingers.has(e.pointerId)) return;
  fingers.set(e.pointerId, e);
  if (fingers.size === 2) {
    const [a, b] = [...fingers.values()],
      box = scene.getBoundingClientRect(),
      d = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    if (pinch) zoom((scale * d) / pinch, (a.clientX + b.clientX) / 2 - box.left, (a.clientY + b.clientY) / 2 - box.top);
    pinch = d;
  }
});
for (const name of ['pointerup', 'pointercancel', 'pointerleave'])
  scene.addEventListener(name, (e) => {
    fingers.delete(e.pointerId);
    pinch = 0;
    if (name !== 'pointerup') drag = null;
  });
const stateAt = (target) => {
  const g = target.closest && target.closest('[data-state]');
  return g && g.dataset.state;
};
scene.addEventListener('click', (e) => {
  const far = drag && drag.far;
  drag = null;
  if (!far) choose(stateAt(e.target) || null);
});
scene.addEventListener('keydown', (e) => {
  if ((e.key === 'Enter' || e.key === ' ') && stateAt(e.target)) {
    e.preventDefault();
    choose(stateAt(e.target));
  }
  if (e.key === '+' || e.key === '-') zoom(scale * (e.key === '+' ? 1.3 : 1 / 1.3));
  // One state takes part in the order of tabs; from it the arrows lead to the others.
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key],
    all = [...picture.querySelectorAll('[data-state]')],
    to = all[all.indexOf(document.activeElement) + by];
  if (by && to && document.activeElement.dataset.state) {
    e.preventDefault();
    document.activeElement.setAttribute('tabindex', -1);
    to.setAttribute('tabindex', 0);
    to.focus({ preventScroll: true });
    reveal(to.dataset.state);
  }
});
