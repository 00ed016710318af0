// Runs resolvers: one JSON document per line in, one out. `node --experimental-vm-modules`.
//
// AWS publishes types of @aws-appsync/utils and no code, so what resolvers call is written here
// from the documentation, and no more than they call. A resolver runs in a context of its own that
// has the language and nothing else: no fetch, no timers, no process.
// https://docs.aws.amazon.com/appsync/latest/devguide/resolver-util-reference-js.html
import { createInterface } from 'node:readline';
import vm from 'node:vm';

const NOW = '2026-11-24T12:00:00.000Z';
const COMPARED = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' };

class Ended extends Error {
  constructor(outcome) {
    super('ended');
    this.outcome = outcome;
  }
}

function typed(value) {
  if (value === null) return { NULL: null };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(typed) };
  return { M: typedMap(value) };
}

function typedMap(values) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typed(value)]));
}

function expressionOf(condition) {
  const names = {};
  const values = {};
  const comparison = (field, operator, value, number) => {
    names[`#${field}`] = field;
    if (operator === 'attributeExists') {
      return value ? `(attribute_exists(#${field}))` : `(attribute_not_exists(#${field}))`;
    }
    const place = `:${field}_${operator}${number}`;
    if (operator === 'between') {
      values[`${place}_0`] = typed(value[0]);
      values[`${place}_1`] = typed(value[1]);
      return `(#${field} BETWEEN ${place}_0 AND ${place}_1)`;
    }
    values[place] = typed(value);
    if (operator === 'contains') return `(contains(#${field}, ${place}))`;
    if (operator === 'beginsWith') return `(begins_with(#${field}, ${place}))`;
    if (!COMPARED[operator]) throw new Error(`operator ${operator}`);
    return `(#${field} ${COMPARED[operator]} ${place})`;
  };
  let number = 0;
  const walk = (node) => {
    const parts = [];
    for (const [key, value] of Object.entries(node)) {
      if (key === 'and' || key === 'or') {
        parts.push(`(${[value].flat().map(walk).join(key === 'and' ? ' AND ' : ' OR ')})`);
      } else if (key === 'not') {
        parts.push(`(NOT ${walk(value)})`);
      } else {
        for (const [operator, operand] of Object.entries(value)) {
          parts.push(comparison(key, operator, operand, number === 0 ? '' : `_${number}`));
          number += 1;
        }
      }
    }
    return parts.length === 1 ? parts[0] : `(${parts.join(' AND ')})`;
  };
  return { expression: walk(condition), expressionNames: names, expressionValues: values };
}

// Groups, any of which is enough, of filters that all hold. Two conditions of a field are alternatives.
function groupsOf(filter) {
  let groups = [[]];
  const both = (more) => {
    groups = groups.flatMap((left) => more.map((right) => [...left, ...right]));
  };
  for (const [name, part] of Object.entries(filter)) {
    if (name === 'and') part.map(groupsOf).forEach(both);
    else if (name === 'or') both(part.flatMap(groupsOf));
    else both(Object.entries(part).map(([operator, value]) => [{ fieldName: name, operator, value }]));
  }
  return groups;
}

function utilities(call, effects) {
  return {
    util: {
      authType: () => call.authType,
      autoId: () => '00000000-0000-4000-8000-000000000000',
      error: (message, type, data, info) => {
        throw new Ended({ error: { message, type: type ?? null, data, info } });
      },
      unauthorized: () => {
        throw new Ended({ error: { message: 'Unauthorized', type: 'Unauthorized' } });
      },
      time: { nowISO8601: () => NOW },
      dynamodb: { toMapValues: typedMap },
      transform: {
        toDynamoDBFilterExpression: (filter) => JSON.stringify(expressionOf(filter)),
        toDynamoDBConditionExpression: (condition) => JSON.stringify(expressionOf(condition)),
        toSubscriptionFilter: (filter) => ({ filterGroup: groupsOf(filter).map((filters) => ({ filters })) }),
      },
    },
    runtime: {
      earlyReturn: (value) => {
        throw new Ended({ earlyReturn: value ?? null });
      },
    },
    extensions: {
      setSubscriptionFilter: (filter) => {
        effects.subscriptionFilter = filter;
      },
    },
  };
}

async function run(call) {
  const effects = {};
  const context = vm.createContext({}, { codeGeneration: { strings: false, wasm: false } });
  const library = utilities(call, effects);
  const module = new vm.SourceTextModule(call.code, { context });
  await module.link((specifier) => {
    if (specifier !== '@aws-appsync/utils') throw new Error(`no module ${specifier}`);
    return new vm.SyntheticModule(
      Object.keys(library),
      function setExports() {
        for (const [name, value] of Object.entries(library)) this.setExport(name, value);
      },
      { context },
    );
  });
  await module.evaluate();
  const ctx = { stash: {}, args: {}, ...call.ctx };
  try {
    const result = module.namespace[call.handler](ctx);
    return { result: result ?? null, stash: ctx.stash, ...effects };
  } catch (error) {
    if (error?.outcome) return { ...error.outcome, stash: ctx.stash, ...effects };
    return { failure: String(error?.stack ?? error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
