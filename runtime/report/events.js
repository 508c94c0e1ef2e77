// The table of events, of which only the rows in sight exist, and the details of one.
const table = $('table');
let shown = [],
  selected = null,
  EVENT_ROW = 28;
const typeClass = (e) =>
  /(Failed|TimedOut)$|^Fail/.test(e.type)
    ? 'failed'
    : /Aborted$/.test(e.type)
      ? 'aborted'
      : /Succeeded$/.test(e.type)
        ? 'succeeded'
        : /(Started|Scheduled|Submitted)$/.test(e.type)
          ? 'running'
          : '';
const KINDS = {
  problems: (e) => /(Failed|TimedOut|Aborted)$|^FailState/.test(e.type),
  states: (e) => /State(Entered|Exited)$/.test(e.type),
  tasks: (e) => /^(Task|LambdaFunction|Activity)(?!State)/.test(e.type),
  items: (e) => /^(Map|Parallel)/.test(e.type) && !/(Entered|Exited)$/.test(e.type),
  execution: (e) => /^Execution/.test(e.type),
};
const inside = (e, test) => {
  if (e.frame && test(null, e.frame)) return true;
  for (let v = e.visit; v; v = v.frame.owner) if (test(v, v.frame)) return true;
  return false;
};
const frameOf = (e) => (e.frame && e.frame.owner ? e.frame : e.visit && e.visit.frame.owner ? e.visit.frame : null);
// "[17] #2": in the second branch of item 17.
const placeIn = (e) => {
  const out = [];
  for (let f = frameOf(e); f && f.owner && out.length < 3; f = f.owner.frame)
    out.unshift(f.owner.type === 'Map' ? '[' + f.index + ']' : '#' + (f.index + 1));
  return out.join(' ');
};
const nameOf = (e) => detail(e, 'name') || (e.visit ? e.visit.name : '');
function gist(e) {
  const error = detail(e, 'error');
  if (error !== undefined) return error + ': ' + (detail(e, 'cause') || '');
  if (at(e, 'index') >= 0) return '';
  for (const k of ['output', 'parameters', 'input', 'length', 'mapRunArn'])
    if (at(e, k) >= 0) return (k === 'length' ? 'items: ' : '') + detail(e, k).slice(0, 300);
  return '';
}
function filterEvents() {
  const words = $('search').value.toLowerCase().split(/\s+/).filter(Boolean),
    kind = $('kind').value;
  const hits = words.map((w) => values.map((v, i) => text(i).toLowerCase().includes(w)));
  shown = events.filter((e) => {
    if (kind && !(KINDS[kind] ? KINDS[kind](e) : e.type === kind)) return false;
    if (chosen.visit) {
      if (!inside(e, (v) => v === chosen.visit)) return false;
    } else if (chosen.frame) {
      if (!inside(e, (v, f) => f === chosen.frame)) return false;
    } else if (chosen.state && nameOf(e) !== chosen.state) return false;
    return words.every(
      (w, k) =>
        (e.type + ' ' + nameOf(e) + ' ' + placeIn(e)).toLowerCase().includes(w) ||
        String(e.id) === w ||
        e.row.some((i, n) => n > 3 && hits[k][i]),
    );
  });
  $('events-count').textContent =
    shown.length === events.length ? many(events.length, 'event') : whole(shown.length) + ' of ' + many(events.length, 'event');
  table.firstChild.style.height = Math.max(1, shown.length) * EVENT_ROW + 'px';
  drawEvents();
}
function eventRow(e, i) {
  const f = frameOf(e),
    c = typeClass(e);
  const r = h(
    'div.event' + (e === selected ? '.current' : '') + (c ? '.is-' + c : ''),
    {
      role: 'row',
      tabIndex: e === selected || (i === 0 && !selected) ? 0 : -1,
      'data-event': i,
      'aria-rowindex': i + 1,
      'aria-selected': String(e === selected),
    },
    h('span.c-id', { role: 'cell' }, String(e.id)),
    h('span.c-time', { role: 'cell', title: clock(e.t, true) }, clock(e.t)),
    h('span.c-type', { role: 'cell' }, h('span.spot', null), e.type),
    h('span.c-state', { role: 'cell' }, nameOf(e), h('em', null, placeIn(e))),
    h('span.c-gist', { role: 'cell' }, gist(e)),
  );
  return r;
}
function drawEvents() {
  EVENT_ROW = table.clientWidth < 620 ? 46 : 28;
  table.firstChild.style.height = Math.max(1, shown.length) * EVENT_ROW + 'px';
  const from = Math.max(0, Math.floor(table.scrollTop / EVENT_ROW) - 3),
    to = Math.min(shown.length, from + Math.ceil(table.clientHeight / EVENT_ROW) + 8);
  const had = table.contains(document.activeElement);
  table.setAttribute('aria-rowcount', shown.length);
  fill(
    table.firstChild,
    shown.length
      ? shown.slice(from, to).map((e, k) => {
          const r = eventRow(e, from + k);
          r.style.top = (from + k) * EVENT_ROW + 'px';
          r.style.height = EVENT_ROW + 'px';
          return r;
        })
      : h('p.note', null, 'No event matches.'),
  );
  if (had && selected) {
    const r = table.querySelector('.current');
    if (r) r.focus({ preventScroll: true });
  }
}
function intoSight() {
  const i = shown.indexOf(selected);
  if (i < 0) return;
  if (i * EVENT_ROW < table.scrollTop || (i + 1) * EVENT_ROW > table.scrollTop + table.clientHeight)
    table.scrollTop = Math.max(0, i * EVENT_ROW - table.clientHeight / 3);
}
const LONG = /^(input|output|parameters|cause|assignedVariables|result)$/;
function show(e) {
  selected = e;
  intoSight();
  drawEvents();
  if (!e) return fill($('event'), h('p.note', null, 'Choose an event to see its details.'));
  const facts = [],
    payloads = [],
    v = e.visit;
  facts.push(['Time', clock(e.t, true) + '.' + two((((e.t + data.start) % 1000) + 1000) % 1000, 3) + '  (+' + span(e.t) + ')']);
  if (byId.has(e.prev))
    facts.push([
      'Follows',
      h('button.link', { type: 'button', onclick: () => jump(byId.get(e.prev)) }, '#' + e.prev + ' ' + byId.get(e.prev).type),
    ]);
  if (v) facts.push(['State', crumbs(v)]);
  e.shape.slice(1).forEach((k, n) => {
    const i = e.row[n + 4];
    if (LONG.test(k) && (k !== 'cause' || text(i).length > 80 || /^[{[]/.test(text(i))))
      payloads.push(h('h4', null, k), payload(i));
    else if (k !== 'name' || !v) facts.push([k, text(i)]);
  });
  fill(
    $('event'),
    h('h3', null, '#' + e.id + ' ', e.type),
    h(
      'dl',
      null,
      facts.map(([k, x]) => [h('dt', null, k), h('dd', null, x)]),
    ),
    payloads,
  );
  if (v) light(v.name);
}
// To an event that the filters may hide.
function jump(e) {
  if (!shown.includes(e)) {
    $('search').value = '';
    $('kind').value = '';
    choose(null, true);
  }
  show(e);
}
table.addEventListener('scroll', drawEvents, { passive: true });
table.addEventListener('click', (ev) => {
  const r = ev.target.closest('.event');
  if (!r) return;
  const e = shown[+r.dataset.event];
  show(e);
  if (e.visit && !(chosen.state && !chosen.visit)) {
    showVisit(e.visit);
    drawRows();
  }
});
table.addEventListener('keydown', (ev) => {
  const i = selected ? shown.indexOf(selected) : -1,
    page = Math.floor(table.clientHeight / EVENT_ROW);
  const to = {
    ArrowDown: i + 1,
    ArrowUp: i - 1,
    PageDown: i + page,
    PageUp: i - page,
    Home: 0,
    End: shown.length - 1,
    Enter: Math.max(i, 0),
  }[ev.key];
  if (to === undefined || !shown.length) return;
  ev.preventDefault();
  show(shown[Math.min(shown.length - 1, Math.max(0, to))]);
  const r = table.querySelector('.current');
  if (r) r.focus({ preventScroll: true });
});
let typing = 0;
$('search').oninput = () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    table.scrollTop = 0;
    filterEvents();
  }, 120);
};
$('kind').onchange = () => {
  table.scrollTop = 0;
  filterEvents();
};
