// One workload in one JavaScript engine, warm and resident, so that its runs can alternate with everybody else's.
//
//   node peer.mjs ENGINE NODE_MODULES FOLDER WORKLOAD
//
// ENGINE: aws-local-stepfunctions, an interpreter of the language; or jsonata, which evaluates a JSONata workload's
// expressions only, in the order the states would. Lines come in, JSON lines go out:
//
//   warm SECONDS     runs at least once, until so many seconds have passed; {"seconds": of the last run}
//   run N            {"seconds": [N times], "output": …}
//
// Of a run's wall time and the processor time of all its threads the lesser counts: the first grows when others have the
// processor, the second when the collector works beside the program; either way this favours the engine.
//
// What it is given is a parsed input and what it gives is an object: reading and printing JSON is not in these times.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const [engine, modules, folder, workload] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(modules), 'x.js'));
const read = name => JSON.parse(fs.readFileSync(path.join(folder, name + '.json'), 'utf8'));
const definition = read(workload.split('.')[0] + '.asl'), input = read(workload + '.input');

// What answers Task states; retries wait for nothing, so that only the engine's own work is counted.
const tries = new Map();
const handlers = {
  echo: value => ({ i: value.i, ok: true }),
  flaky3: value => {
    const n = (tries.get(value.i) ?? 0) + 1;
    tries.set(value.i, n);
    if (n <= 3) throw Object.assign(new Error('Boom'), { name: 'Boom' });
    return { i: value.i, try: n };
  },
};
const later = globalThis.setTimeout;
globalThis.setTimeout = (f, ms, ...rest) => later(f, ms >= 100 ? 0 : ms, ...rest);

function tasks(states, found = []) {
  for (const [name, state] of Object.entries(states)) {
    if (state.Type === 'Task') found.push([name, state.Resource]);
    for (const inner of [state.ItemProcessor, ...(state.Branches ?? [])]) if (inner) tasks(inner.States, found);
  }
  return found;
}

const engines = {
  'aws-local-stepfunctions': () => {
    const { StateMachine } = load('aws-local-stepfunctions');
    const machine = new StateMachine(definition, { validationOptions: { checkArn: false } });
    const overrides = { taskResourceLocalHandlers: {}, retryIntervalOverrides: {} };
    for (const [name, resource] of tasks(definition.States)) {
      overrides.taskResourceLocalHandlers[name] = handlers[resource.split(':').pop()];
      overrides.retryIntervalOverrides[name] = [0, 0, 0, 0];
    }
    return async () => (await machine.run(input, { overrides })).result;
  },
  jsonata: () => {
    const jsonata = load('jsonata');
    const expression = text => jsonata(text.slice(2, -2));
    const { Totals, Report, Check, Add } = definition.States;
    if (Totals) {
      const totals = expression(Totals.Assign.totals);
      const fields = Object.entries(Report.Output).map(([name, text]) => [name, expression(text)]);
      return async () => {
        const bound = { states: { input }, totals: await totals.evaluate(undefined, { states: { input } }) }, out = {};
        for (const [name, e] of fields) out[name] = await e.evaluate(undefined, bound);
        return out;
      };
    }
    const condition = expression(Check.Choices[0].Condition), next = expression(Add.Assign.n);
    return async () => {
      const bound = { n: 0, limit: input.limit };
      while (await condition.evaluate(undefined, bound)) bound.n = await next.evaluate(undefined, bound);
      return bound;
    };
  },
};

const go = engines[engine]();
async function timed() {
  tries.clear();
  const used = process.cpuUsage(), begin = process.hrtime.bigint(), output = await go();
  const wall = Number(process.hrtime.bigint() - begin) / 1e9, cpu = process.cpuUsage(used);
  const processor = (cpu.user + cpu.system) / 1e6; // of all threads, in steps of a microsecond
  return [wall > 100e-6 ? Math.min(wall, processor) : wall, output];
}
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [word, argument] = line.split(' '), seconds = [];
  let output = null;
  if (word === 'warm') {
    const until = performance.now() + 1000 * argument;
    do [seconds[0]] = await timed(); while (performance.now() < until);
    console.log(JSON.stringify({ seconds: seconds[0] }));
    continue;
  }
  for (let i = 0; i < argument; i++) [seconds[i], output] = await timed();
  console.log(JSON.stringify({ seconds, output }));
}
