// The page: what is at its top, what is chosen, and the order in which things are drawn.
let chosen = { state: null, visit: null, frame: null };

const crumbs = (v) =>
  h(
    'span.crumbs',
    null,
    trail(v).map((f) => [h('button.link', { type: 'button', onclick: () => chooseWithin({ frame: f }) }, itemName(f)), ' › ']),
    h('button.link', { type: 'button', onclick: () => chooseWithin({ visit: v, state: v.name }) }, v.name),
  );

function light(name) {
  for (const g of picture.querySelectorAll('[data-state]')) {
    g.classList.toggle('lit', g.dataset.state === name);
    g.setAttribute('aria-pressed', String(g.dataset.state === chosen.state));
  }
}
// A state of the graph: everything else shows it alone. Nothing: everything is shown.
function choose(name, quiet) {
  chosen = { state: name, visit: null, frame: null };
  current = null;
  list.scrollTop = table.scrollTop = 0;
  if (!name && culprit) showVisit(culprit);
  apply();
  if (!quiet) show(name ? shown[0] : selected && shown.includes(selected) ? selected : null);
  light(name);
}
// A visit or an item of the timeline, which stays as it is.
function chooseWithin(what) {
  const tree = chosen.state && !chosen.visit && !chosen.frame;
  chosen = Object.assign({ state: null, visit: null, frame: null }, what);
  if (tree && what.visit) showVisit(what.visit);
  table.scrollTop = 0;
  apply();
  light(chosen.state);
  show(shown.find((e) => KINDS.problems(e)) || shown[0]);
}
function apply() {
  const chips = [];
  if (chosen.frame) chips.push(itemName(chosen.frame));
  else if (chosen.visit) chips.push([...trail(chosen.visit).map(itemName), chosen.visit.name].join(' › '));
  else if (chosen.state) chips.push(chosen.state);
  fill(
    $('chosen'),
    chips.map((c) =>
      h(
        'button.chip',
        { type: 'button', title: 'Show everything', onclick: () => choose(null) },
        c,
        h('span', { 'aria-hidden': 'true' }, ' ✕'),
      ),
    ),
  );
  flatten();
  redraw();
  filterEvents();
  inspect(chosen.state || (chosen.frame && chosen.frame.owner.name));
}

const spent = (st) => st.visits.reduce((a, v) => a + v.t1 - v.t0, 0);
// With no state chosen: all that were reached, the ones with trouble first, then by the time they took.
function overall() {
  const rank = (st) => ORDER.indexOf(worst(st.visits)),
    reached = [...states.values()].filter((st) => st.visits.length).sort((a, b) => rank(a) - rank(b) || spent(b) - spent(a));
  fill(
    $('inspector'),
    h('h3', null, many(reached.length, 'state') + ' of ' + whole(states.size) + ' reached'),
    h('p.note', null, 'Choose one: the timeline and the events then show it alone.'),
    h(
      'ul.visits',
      null,
      reached.slice(0, 60).map((st) => {
        const retries = st.visits.reduce((a, v) => a + retriesOf(v), 0),
          n = st.visits.length;
        return h(
          'li',
          null,
          mark(worst(st.visits)),
          h(
            'button.link',
            {
              type: 'button',
              onclick: () => {
                choose(st.name);
                reveal(st.name);
              },
            },
            st.name,
          ),
          h(
            'small',
            null,
            (n > 1 ? ' ×' + whole(n) : '') +
              (retries ? ' · ' + many(retries, 'retry', 'retries') : '') +
              ' · ' +
              span(spent(st) / n) +
              (n > 1 ? ' on average' : ''),
          ),
        );
      }),
    ),
  );
}
function inspect(name) {
  const st = states.get(name);
  if (!st) return overall();
  const v = st.visits,
    tally = ORDER.map((k) => [k, v.filter((x) => x.status === k).length]).filter((t) => t[1]);
  const times = v.map((x) => x.t1 - x.t0).sort((a, b) => a - b),
    retries = v.reduce((a, x) => a + retriesOf(x), 0),
    errors = new Map();
  for (const e of events)
    if (e.visit && e.visit.name === st.name && at(e, 'error') >= 0)
      errors.set(detail(e, 'error'), (errors.get(detail(e, 'error')) || 0) + 1);
  const facts = [['Type', st.type]];
  if (typeof st.def.Resource === 'string') facts.push(['Resource', st.def.Resource]);
  if (v.length) facts.push(['Visits', whole(v.length)]);
  if (retries) facts.push(['Retries', whole(retries)]);
  if (times.length) facts.push([times.length > 1 ? 'Time, median' : 'Time', span(times[times.length >> 1])]);
  if (times.length > 1) facts.push(['from, to', span(times[0]) + ' – ' + span(last(times))]);
  for (const [k, n] of [...errors].sort((a, b) => b[1] - a[1]).slice(0, 6))
    facts.push(['Error', h('span', null, h('code', null, k), n > 1 ? ' ×' + whole(n) : '')]);
  const worth = v
    .filter((x) => x.status !== 'succeeded')
    .concat(v.filter((x) => x.status === 'succeeded' && retriesOf(x)))
    .sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status))
    .slice(0, 8);
  fill(
    $('inspector'),
    h('h3', null, st.name),
    h(
      'p.tally',
      null,
      tally.length ? tally.map(([k, n]) => pill(k, (v.length > 1 ? whole(n) + ' ' : '') + k)) : pill('', 'not reached'),
    ),
    h(
      'dl',
      null,
      facts.map(([k, x]) => [h('dt', null, k), h('dd', null, x)]),
    ),
    v.length > 1 && worth.length
      ? [
          h('h4', null, 'Worth a look'),
          h(
            'ul.visits',
            null,
            worth.map((x) =>
              h(
                'li',
                null,
                mark(x.status),
                crumbs(x),
                h(
                  'small',
                  null,
                  ' ' +
                    ((x.failure && detail(x.failure, 'error')) ||
                      (retriesOf(x) ? many(retriesOf(x), 'retry', 'retries') : x.status)),
                ),
              ),
            ),
          ),
        ]
      : null,
    excerpt(st, 0, 40),
  );
}

function head() {
  const word =
      { SUCCEEDED: 'Succeeded', FAILED: 'Failed', ABORTED: 'Aborted', TIMED_OUT: 'Timed out', RUNNING: 'Running' }[status] ||
      status ||
      'Nothing recorded',
    name = aboutText('name');
  document.title = word + ' · ' + (data.machine || 'workflow') + (name ? ' · ' + name : '');
  const attempts = visits.reduce((a, v) => a + v.attempts.length, 0),
    retries = visits.reduce((a, v) => a + retriesOf(v), 0),
    caught = visits.filter((v) => v.out && v.failure).length;
  const items = ORDER.map((k) => [k, iterations.filter((f) => f.status === k).length]).filter((t) => t[1]);
  fill(
    $('head'),
    h(
      'div.title',
      null,
      h('h1', null, data.machine || 'Workflow'),
      h('span.status.is-' + css(root.status), null, mark(root.status), word),
    ),
    h('p.name', null, name && h('b', null, name), aboutText('executionArn') && h('code', null, aboutText('executionArn'))),
    h(
      'dl.numbers',
      null,
      [
        data.start > 0 && ['Duration', span(end)],
        data.start > 0 && ['Started (' + zone() + ')', clock(0, true)],
        ending && ['Ended', clock(end, true)],
        ['States entered', whole(visits.length)],
        attempts > 0 && ['Task attempts', whole(attempts) + (retries ? ' (' + many(retries, 'retry', 'retries') + ')' : '')],
        caught > 0 && ['Errors caught', whole(caught)],
        iterations.length > 0 && ['Map items', items.map((t) => whole(t[1]) + ' ' + t[0]).join(', ')],
        redrives + Number(about('redriveCount') || 0) > 0 && [
          'Redrives',
          whole(Math.max(redrives, Number(about('redriveCount') || 0))),
        ],
        ['Events', whole(events.length)],
      ]
        .filter(Boolean)
        .map(([k, v]) => h('div', null, h('dt', null, k), h('dd', null, v))),
    ),
    [
      ['input', 'Input'],
      ['output', 'Output'],
    ].map(([k, title]) => {
      let i = data.execution[k];
      const e = k === 'input' ? events.find((x) => x.type === 'ExecutionStarted') : ending;
      if (i === undefined && e) i = at(e, k);
      if (i === undefined || i < 0) return null;
      const d = h('details.io', null, h('summary', null, title, h('span', null, text(i).slice(0, 120))));
      d.addEventListener('toggle', () => {
        if (d.open && d.children.length < 2) d.append(payload(i));
      });
      return d;
    }),
    data.problem && h('p.warning', null, data.problem),
    data.omitted > 0 &&
      h('p.warning', null, many(data.omitted, 'event') + ' in the middle of the history are not in this page: it had too many.'),
  );
}

function trouble() {
  const box = $('trouble');
  if (!['FAILED', 'TIMED_OUT', 'ABORTED'].includes(status)) return box.remove();
  const error = aboutText('error') || (ending && detail(ending, 'error')),
    i = 'cause' in data.execution ? data.execution.cause : ending ? at(ending, 'cause') : -1;
  const v = culprit,
    st = v && states.get(v.name),
    why = i >= 0 ? text(i) : '',
    json = /^\s*[{[]/.test(why);
  const waiting = status !== 'FAILED' ? visits.filter((x) => x.status === rest && !x.out && !x.frames.length).slice(0, 6) : [];
  let given = v && v.attempts.length ? sent(last(v.attempts).first) : -1;
  if (v && given < 0) given = at(v.first, 'input');
  const what = h(
    'div',
    null,
    h(
      'h2',
      null,
      h('code', null, error || (status === 'TIMED_OUT' ? 'States.Timeout' : status === 'ABORTED' ? 'Stopped' : 'No error name')),
    ),
    why && (json ? payload(i) : h('p.cause', null, why.slice(0, 2000))),
    v &&
      h(
        'p.at',
        null,
        'in ',
        crumbs(v),
        v.attempts.length > 1 ? ', attempt ' + v.attempts.length + ' of ' + v.attempts.length : '',
        ', ' + span(v.t1) + ' after the start',
      ),
    waiting.length > 0 &&
      h(
        'p.at',
        null,
        'while in ',
        waiting.map((x, n) => [n ? ', ' : '', crumbs(x)]),
      ),
    v &&
      v.attempts.length > 1 &&
      h(
        'ol.attempts',
        null,
        v.attempts.map((a) =>
          h(
            'li',
            null,
            mark(a.status),
            clock(a.t0) + ', ' + span(a.t1 - a.t0),
            a.last && at(a.last, 'error') >= 0 && h('code', null, detail(a.last, 'error')),
          ),
        ),
      ),
    v &&
      h(
        'p.actions',
        null,
        h(
          'button',
          {
            type: 'button',
            onclick: () => {
              chooseWithin({ visit: v, state: v.name });
              reveal(v.name);
              $('events').scrollIntoView({ behavior: 'smooth' });
            },
          },
          'Its events',
        ),
        v.frame.owner &&
          h(
            'button',
            {
              type: 'button',
              onclick: () => {
                chooseWithin({ frame: v.frame });
                $('events').scrollIntoView({ behavior: 'smooth' });
              },
            },
            'All of ' + itemName(v.frame),
          ),
      ),
  );
  // A Fail state says little; what was caught on the way to it says more.
  const before = visits.filter((x) => x !== v && x.out && x.failure && (!v || x.frame === v.frame)).slice(-3);
  if (before.length)
    what.append(
      h('h4', null, 'Caught before'),
      h(
        'ul.visits',
        null,
        before.map((x) =>
          h(
            'li',
            null,
            mark('caught'),
            crumbs(x),
            ' ',
            h('code', null, detail(x.failure, 'error') || x.failure.type),
            h('small', null, ' ' + (detail(x.failure, 'cause') || '').slice(0, 300)),
          ),
        ),
      ),
    );
  if (v && given >= 0)
    what.append(h('h4', null, v.attempts.length > 1 ? 'What it was given, the last time' : 'What it was given'), payload(given));
  fill(box, what, h('div', null, excerpt(st, 2, 34)));
}

function fillKinds() {
  const seen = [...new Set(events.map((e) => e.type))].sort();
  const option = (v, t) => h('option', { value: v }, t);
  fill(
    $('kind'),
    option('', 'All events'),
    option('problems', 'Problems'),
    option('states', 'States'),
    option('tasks', 'Tasks'),
    option('items', 'Map and Parallel'),
    h(
      'optgroup',
      { label: 'One type' },
      seen.map((t) => option(t, t)),
    ),
  );
}
// On paper there is no scrolling: the graph is fitted, and the events are a list.
let paper = null;
function toPaper() {
  if (paper) return;
  const most = 400,
    some = shown.slice(0, most);
  $('events').append(
    (paper = h(
      'div.paper',
      null,
      some.map(eventRow),
      shown.length > most &&
        h('p.note', null, 'The first ' + many(most, 'event') + ' of ' + whole(shown.length) + '. Filters choose which.'),
    )),
  );
}
window.addEventListener('beforeprint', toPaper);
window.addEventListener('afterprint', () => {
  if (paper) paper.remove();
  paper = null;
});

readColours();
win = extent();
head();
trouble();
fillKinds();
$('time-axis').value = axis;
$('foot').append(
  'Made by aslc' +
    (data.version ? ' ' + data.version : '') +
    '. This page holds all its data and asks no network for anything.' +
    (data.limit < 65536 ? ' Payloads over ' + sized(data.limit) + ' were cut to keep it small.' : ''),
);
if (data.definition) {
  const d = $('definition');
  d.addEventListener('toggle', () => {
    const st = states.get(chosen.state || (culprit ? culprit.name : '')),
      pre = h(
        'pre',
        { tabIndex: 0 },
        lines.map((r, i) =>
          h('div' + (st && i >= st.from && i <= st.to ? '.hit' : ''), null, h('span.no', null, String(i + 1)), r || ' '),
        ),
      );
    if (d.open) {
      fill(d.lastElementChild, pre);
      const hit = pre.querySelector('.hit');
      if (hit) pre.scrollTop = hit.offsetTop - pre.offsetTop - 40;
    }
  });
} else $('definition').remove();
if (culprit) showVisit(culprit);
else if (visits.length > 40) {
  if (root.visits.length <= 12) for (const v of root.visits) if (v.frames.length) opened.add(v);
} else
  for (const v of visits) {
    opened.add(v);
    for (const f of v.frames) opened.add(f);
  }
openGraph();
apply();
if (culprit) selected = cause;
show(culprit ? cause : null);
light(null);
if (culprit) {
  const i = rows.findIndex((r) => r.x === culprit);
  if (i >= 0) {
    list.scrollTop = Math.max(0, i * ROW - list.clientHeight / 2);
    drawRows();
  }
}
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  readColours();
  redraw();
});
let resizing = 0;
window.addEventListener('resize', () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(() => {
    redraw();
    drawEvents();
  });
});
document.documentElement.dataset.ready = String(Math.round(performance.now()));
