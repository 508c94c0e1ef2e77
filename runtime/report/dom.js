// Small things all the others use. Text only ever becomes text: nothing in here makes markup of it.
const $ = (id) => document.getElementById(id);
// h('p.note', {title: 'x'}, 'text', node, ...): what is null or false is left out.
function h(tag, properties, ...children) {
  const [name, ...classes] = tag.split('.'),
    e = document.createElement(name);
  if (classes.length) e.className = classes.join(' ');
  for (const k in properties || {})
    if (k in e && !k.includes('-')) e[k] = properties[k];
    else e.setAttribute(k, properties[k]);
  e.append(...children.flat(9).filter((c) => c !== null && c !== undefined && c !== false && c !== ''));
  return e;
}
const fill = (e, ...children) => e.replaceChildren(...children.flat(9).filter(Boolean));
const mark = (status) => h('span.mark.is-' + css(status), { 'aria-hidden': 'true' }, MARKS[status] || '');
const pill = (status, more) => h('span.pill.is-' + css(status), null, mark(status), more || status);

// JSON text laid out and coloured, token by token: numbers stay as they were written, and what was cut short or is no JSON
// at all is shown as far as it goes.
function pretty(source) {
  const out = h('code'),
    token = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/gs;
  if (!/^\s*[{["]/.test(source)) {
    out.append(source);
    return out;
  }
  let depth = 0,
    m,
    plain = '',
    next;
  const flush = () => {
    if (plain) out.append(plain);
    plain = '';
  };
  const line = () => '\n' + '  '.repeat(Math.min(depth, 60));
  const tokens = source.match(token) || [];
  for (let i = 0; i < tokens.length; i++) {
    m = tokens[i];
    next = tokens[i + 1];
    if (m === '{' || m === '[') {
      if (next === '}' || next === ']') {
        plain += m + next;
        i++;
      } else {
        depth++;
        plain += m + line();
      }
    } else if (m === '}' || m === ']') {
      depth--;
      plain += line() + m;
    } else if (m === ',') plain += ',' + line();
    else if (m === ':') plain += ': ';
    else {
      flush();
      out.append(h(m[0] !== '"' ? 'b' : next === ':' ? 'i' : 'span', null, m));
    }
  }
  flush();
  return out;
}
const sized = (n) =>
  n < 1024 ? n + ' bytes' : n < 1048576 ? (n / 1024).toFixed(n < 10240 ? 1 : 0) + ' KB' : (n / 1048576).toFixed(1) + ' MB';
// A payload of the table, by its index.
function payload(i) {
  const v = values[i],
    whole = text(i);
  const copy = h(
    'button.copy',
    {
      type: 'button',
      onclick: () =>
        navigator.clipboard &&
        navigator.clipboard.writeText(whole).then(
          () => {
            copy.textContent = 'Copied';
          },
          () => {},
        ),
    },
    'Copy',
  );
  return h(
    'div.payload',
    null,
    copy,
    h('pre', { tabIndex: 0 }, pretty(whole)),
    Array.isArray(v) &&
      h('p.note', null, 'Cut here: ' + sized(new Blob([v[1]]).size) + ' of ' + sized(v[0]) + '. The history has all of it.'),
  );
}

// What a state says in the definition. A definition without line breaks is laid out anew.
function excerpt(state, around, most) {
  if (!state || state.from < 0) return null;
  let a = state.from,
    b = state.to,
    from = Math.max(0, a - around),
    rows;
  if (a === b && lines[a].length > 200) {
    rows = JSON.stringify({ [state.name]: state.def }, null, 2)
      .split('\n')
      .slice(1, -1);
    from = -1;
  } else rows = lines.slice(from, Math.min(lines.length, b + 1 + around));
  const cut = rows.length > most;
  if (cut) rows = rows.slice(0, most);
  const strip = Math.min(...rows.filter((r) => r.trim()).map((r) => /^[ \t]*/.exec(r)[0].length));
  return h(
    'div.source',
    null,
    h('p.where', null, (data.file || 'definition') + (from < 0 ? '' : ':' + (a + 1)) + (from < 0 ? ' (one line there)' : '')),
    h(
      'pre',
      { tabIndex: 0 },
      rows.map((r, i) =>
        h(
          'div' + (from < 0 || (from + i >= a && from + i <= b) ? '.hit' : ''),
          null,
          from < 0 ? null : h('span.no', null, String(from + i + 1)),
          r.slice(strip) || ' ',
        ),
      ),
    ),
    cut && h('p.note', null, 'and ' + many(b - from - most + 1, 'line') + ' more'),
  );
}
