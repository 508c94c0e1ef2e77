// The reference implementation of JSONata behind the batch protocol of `aslc eval --batch`: one request a line on
// standard input, one outcome a line on standard output, in order.
//
//     node jsonata_reference.js DIR      DIR holds node_modules/jsonata (npm install --prefix DIR jsonata@2.2.2)
//
// A mistake that is none of the language's (a TypeError of the host, its stack) has the member "host" instead of a code. "changed"
// tells that the evaluation has changed its own input, which it should not.
'use strict';
process.env.TZ = 'UTC';
const jsonata = require(require('path').resolve(process.argv[2], 'node_modules/jsonata'));

const isFunction = v => typeof v === 'function' || (v && (v._jsonata_lambda || v._jsonata_function));
function shown(v) {
  if (isFunction(v)) return '';
  if (typeof v === 'number' && !isFinite(v)) return String(v);
  if (Array.isArray(v)) return Array.from(v, shown);
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, shown(x)]));
  return v;
}

async function answer(line) {
  const request = JSON.parse(line), id = request.id, before = JSON.stringify(request.data);
  let outcome;
  try {
    const value = shown(await jsonata(request.expr).evaluate(request.data, request.bindings));
    outcome = value === undefined ? { id, undefined: true } : { id, result: value };
  } catch (e) {
    const host = e && e.code === 'D3121' && e.error && !e.error.code; // a failure of the host inside $eval
    outcome = e && e.code && !host ? { id, code: e.code, position: e.position, token: e.token } : { id, host: String(e && (host ? e.error : e).message) };
  }
  let after;
  try {
    after = JSON.stringify(request.data);
  } catch (e) { // it holds itself now
  }
  return before === after ? outcome : { ...outcome, changed: true };
}

(async () => {
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    if (line) process.stdout.write(JSON.stringify(await answer(line)) + '\n');
  }
})();
