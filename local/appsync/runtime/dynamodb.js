// util.dynamodb, util.transform and the module '@aws-appsync/utils/dynamodb'.
// https://docs.aws.amazon.com/appsync/latest/devguide/dynamodb-helpers-in-util-dynamodb-js.html
// https://docs.aws.amazon.com/appsync/latest/devguide/transformation-helpers-in-utils-transform-js.html
// https://docs.aws.amazon.com/appsync/latest/devguide/built-in-modules-js.html
(function () {
  'use strict';
  const { modules, util, isArray, isObject, fail } = globalThis.__host;
  const stringify = JSON.stringify;
  const parse = globalThis.__host.parse;

  function typed(value) {
    if (value === null || value === undefined) return { NULL: true };
    if (typeof value === 'string') return { S: value };
    if (typeof value === 'number') return { N: `${value}` };
    if (typeof value === 'boolean') return { BOOL: value };
    if (isArray(value)) return { L: value.map((each) => typed(each)) };
    return { M: typedMap(value) };
  }
  function typedMap(values) {
    const result = {};
    for (const name of Object.keys(values)) {
      if (values[name] !== undefined) result[name] = typed(values[name]);
    }
    return result;
  }

  const converters = {
    toDynamoDB: typed,
    toString: (value) => ({ S: value }),
    toStringSet: (values) => ({ SS: values }),
    toNumber: (value) => ({ N: `${value}` }),
    toNumberSet: (values) => ({ NS: values.map((each) => `${each}`) }),
    toBinary: (value) => ({ B: value }),
    toBinarySet: (values) => ({ BS: values }),
    toBoolean: (value) => ({ BOOL: value }),
    toNull: () => ({ NULL: true }),
    toList: (values) => ({ L: values.map((each) => typed(each)) }),
    toMap: (values) => ({ M: typedMap(values) }),
    toMapValues: typedMap,
    toS3Object: (key, bucket, region, version) => ({ S: stringify({ s3: { key, bucket, region, version } }) }),
    fromS3ObjectJson: (text) => parse(text),
  };
  util.dynamodb = { ...converters };
  for (const name of Object.keys(converters)) {
    if (name !== 'fromS3ObjectJson') util.dynamodb[`${name}Json`] = (...values) => stringify(converters[name](...values));
  }

  // Expressions from filter objects

  const COMPARED = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' };

  class Expression {
    constructor(prefix) { this.prefix = prefix; this.names = {}; this.values = {}; this.count = 0; }
    name(path) {
      return path.split('.').map((part) => {
        const alias = `#${this.prefix}_${part.replace(/[^A-Za-z0-9_]/g, '_')}`;
        this.names[alias] = part;
        return alias;
      }).join('.');
    }
    value(value) {
      this.count += 1;
      const alias = `:${this.prefix}_${this.count}`;
      this.values[alias] = typed(value);
      return alias;
    }
    built(expression) {
      return { expression, expressionNames: this.names, expressionValues: this.values };
    }
  }

  function operation(into, path, name, operand) {
    const field = into.name(path);
    if (COMPARED[name]) return `${field} ${COMPARED[name]} ${into.value(operand)}`;
    if (name === 'between') return `${field} BETWEEN ${into.value(operand[0])} AND ${into.value(operand[1])}`;
    if (name === 'in') return `${field} IN (${operand.map((each) => into.value(each)).join(', ')})`;
    if (name === 'contains') return `contains(${field}, ${into.value(operand)})`;
    if (name === 'notContains') return `NOT contains(${field}, ${into.value(operand)})`;
    if (name === 'beginsWith') return `begins_with(${field}, ${into.value(operand)})`;
    if (name === 'attributeExists') return operand ? `attribute_exists(${field})` : `attribute_not_exists(${field})`;
    if (name === 'attributeType') return `attribute_type(${field}, ${into.value(shortType(operand))})`;
    if (name === 'size') {
      return Object.keys(operand).map((each) => (each === 'between'
        ? `size(${field}) BETWEEN ${into.value(operand.between[0])} AND ${into.value(operand.between[1])}`
        : `size(${field}) ${COMPARED[each]} ${into.value(operand[each])}`)).join(' AND ');
    }
    return fail(`the filter operator ${name} is not known`, 'IllegalArgument');
  }
  function shortType(name) {
    const short = { binary: 'B', binarySet: 'BS', bool: 'BOOL', list: 'L', map: 'M', number: 'N', numberSet: 'NS', string: 'S', stringSet: 'SS', _null: 'NULL' };
    return short[name] || name;
  }
  // DynamoDB refuses redundant parentheses, so there are some only around one of several.
  const joined = (parts, word) => (parts.length === 1 ? parts[0] : parts.map((text) => `(${text})`).join(word));
  function conditionText(into, filter) {
    const parts = [];
    for (const name of Object.keys(filter)) {
      const part = filter[name];
      if (part === undefined || part === null) continue;
      if (name === 'and' || name === 'or') {
        const all = (isArray(part) ? part : [part]).map((each) => conditionText(into, each)).filter((text) => text);
        if (all.length) parts.push(joined(all, name === 'and' ? ' AND ' : ' OR '));
      } else if (name === 'not') {
        parts.push(`NOT (${conditionText(into, part)})`);
      } else {
        for (const each of Object.keys(part)) {
          if (part[each] !== undefined && (part[each] !== null || each === 'eq' || each === 'ne')) {
            parts.push(operation(into, name, each, part[each]));
          }
        }
      }
    }
    return joined(parts, ' AND ');
  }
  function expressionOf(filter, prefix) {
    const into = new Expression(prefix);
    const text = conditionText(into, filter);
    return into.built(text);
  }
  const condition = (filter) => (filter && Object.keys(filter).length ? expressionOf(filter, 'c') : undefined);

  // https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-enhanced-filtering.html
  // Groups are joined by OR, the filters in a group by AND: the disjunctive normal form. Two conditions
  // of one field are joined by OR, and so are the rules of the third argument.
  // https://docs.aws.amazon.com/appsync/latest/devguide/transformation-helpers-in-utils-transform-js.html
  function groupsOf(filter, ignored) {
    let groups = [[]];
    const both = (more) => {
      const next = [];
      for (const left of groups) for (const right of more) next.push([...left, ...right]);
      groups = next;
    };
    for (const name of Object.keys(filter)) {
      const part = filter[name];
      if (part === undefined || part === null || ignored.some((each) => each === name)) continue;
      if (name === 'and') for (const each of part) both(groupsOf(each, ignored));
      else if (name === 'or') {
        const any = part.map((each) => groupsOf(each, ignored)).filter((each) => each.some((group) => group.length));
        if (any.length) both(any.flat());
      } else if (isObject(part)) {
        const any = [];
        for (const operator of Object.keys(part)) {
          if (part[operator] !== undefined && part[operator] !== null) any.push([{ fieldName: name, operator, value: part[operator] }]);
        }
        if (any.length) both(any);
      }
    }
    return groups;
  }
  function withRules(groups, rules) {
    const more = Object.keys(rules).map((name) => groupsOf({ [name]: rules[name] }, [])).flat();
    if (!more.length) return groups;
    const all = [];
    for (const left of groups) for (const right of more) all.push([...left, ...right]);
    return all;
  }
  util.transform = {
    toDynamoDBFilterExpression: (filter) => stringify(expressionOf(filter, 'f')),
    toDynamoDBConditionExpression: (filter) => stringify(expressionOf(filter, 'c')),
    toSubscriptionFilter(filter, ignored, rules) {
      const groups = groupsOf(filter || {}, ignored || []);
      const all = rules ? withRules(groups, rules) : groups;
      return { filterGroup: all.filter((filters) => filters.length).map((filters) => ({ filters })) };
    },
  };

  // Requests

  class Operation {
    constructor(kind, value, index) { this.kind = kind; this.value = value; this.index = index; }
  }
  const operations = {
    add: (value) => new Operation('add', value),
    append: (value) => new Operation('append', value),
    prepend: (value) => new Operation('prepend', value),
    increment: (by) => new Operation('increment', by === undefined ? 1 : by),
    decrement: (by) => new Operation('decrement', by === undefined ? 1 : by),
    remove: () => new Operation('remove'),
    replace: (value) => new Operation('set', value),
    updateListItem: (value, index) => new Operation('item', value, index),
  };

  function updateExpression(values) {
    const into = new Expression('u');
    const sets = [];
    const removes = [];
    for (const path of Object.keys(values)) {
      const given = values[path];
      if (given === undefined) continue;
      const change = given instanceof Operation ? given : new Operation('set', given);
      const field = into.name(path);
      if (change.kind === 'remove') removes.push(field);
      else if (change.kind === 'item') sets.push(`${field}[${change.index}] = ${into.value(change.value)}`);
      else if (change.kind === 'append') sets.push(`${field} = list_append(if_not_exists(${field}, ${into.value([])}), ${into.value(change.value)})`);
      else if (change.kind === 'prepend') sets.push(`${field} = list_append(${into.value(change.value)}, if_not_exists(${field}, ${into.value([])}))`);
      else if (change.kind === 'increment') sets.push(`${field} = if_not_exists(${field}, ${into.value(0)}) + ${into.value(change.value)}`);
      else if (change.kind === 'decrement') sets.push(`${field} = if_not_exists(${field}, ${into.value(0)}) - ${into.value(change.value)}`);
      else sets.push(`${field} = ${into.value(change.value)}`);
    }
    return into.built([sets.length ? `SET ${sets.join(', ')}` : '', removes.length ? `REMOVE ${removes.join(', ')}` : ''].filter((text) => text).join(' '));
  }

  const without = (object) => {
    const result = {};
    for (const name of Object.keys(object)) if (object[name] !== undefined) result[name] = object[name];
    return result;
  };
  const projection = (names) => {
    if (!names || !names.length) return undefined;
    const into = new Expression('p');
    return { expression: names.map((name) => into.name(name)).join(', '), expressionNames: into.names };
  };
  const written = (input) => ({
    condition: condition(input.condition), _version: input._version,
    customPartitionKey: input.customPartitionKey, populateIndexFields: input.populateIndexFields,
  });
  const paged = (input) => ({
    filter: input.filter ? expressionOf(input.filter, 'f') : undefined,
    projection: projection(input.projection), index: input.index, limit: input.limit,
    nextToken: input.nextToken, consistentRead: input.consistentRead, select: input.select,
  });
  const tables = (input, make) => {
    const result = {};
    for (const name of Object.keys(input)) result[name] = make(input[name]);
    return result;
  };

  const requests = {
    get: (input) => without({ operation: 'GetItem', key: typedMap(input.key), consistentRead: input.consistentRead, projection: projection(input.projection) }),
    put: (input) => without({ operation: 'PutItem', key: typedMap(input.key), attributeValues: typedMap(input.item), ...written(input) }),
    update: (input) => without({ operation: 'UpdateItem', key: typedMap(input.key), update: updateExpression(input.update), ...written(input) }),
    remove: (input) => without({ operation: 'DeleteItem', key: typedMap(input.key), ...written(input) }),
    query(input) {
      return without({ operation: 'Query', query: expressionOf(input.query, 'q'), scanIndexForward: input.scanIndexForward, ...paged(input) });
    },
    scan: (input) => without({ operation: 'Scan', totalSegments: input.totalSegments, segment: input.segment, ...paged(input) }),
    sync: (input) => without({
      operation: 'Sync', basePartitionKey: input.basePartitionKey, deltaIndexName: input.deltaIndexName,
      limit: input.limit, nextToken: input.nextToken, lastSync: input.lastSync,
      filter: input.filter ? expressionOf(input.filter, 'f') : undefined,
    }),
    batchGet: (input) => ({ operation: 'BatchGetItem', tables: tables(input.tables, (table) => without({ ...table, keys: table.keys.map(typedMap), projection: projection(table.projection) })) }),
    batchPut: (input) => ({ operation: 'BatchPutItem', tables: tables(input.tables, (items) => items.map((each) => typedMap(each))) }),
    batchDelete: (input) => ({ operation: 'BatchDeleteItem', tables: tables(input.tables, (keys) => keys.map((each) => typedMap(each))) }),
    transactGet: (input) => ({ operation: 'TransactGetItems', transactItems: input.items.map((each) => without({ table: each.table, key: typedMap(each.key), projection: projection(each.projection) })) }),
    transactWrite(input) {
      return { operation: 'TransactWriteItems', transactItems: input.items.map((each) => {
        if (each.putItem) return without({ table: each.putItem.table, operation: 'PutItem', key: typedMap(each.putItem.key), attributeValues: typedMap(each.putItem.item), condition: condition(each.putItem.condition) });
        if (each.updateItem) return without({ table: each.updateItem.table, operation: 'UpdateItem', key: typedMap(each.updateItem.key), update: updateExpression(each.updateItem.update), condition: condition(each.updateItem.condition) });
        if (each.deleteItem) return without({ table: each.deleteItem.table, operation: 'DeleteItem', key: typedMap(each.deleteItem.key), condition: condition(each.deleteItem.condition) });
        return without({ table: each.conditionCheck.table, operation: 'ConditionCheck', key: typedMap(each.conditionCheck.key), condition: condition(each.conditionCheck.condition) });
      }) };
    },
    operations,
  };
  modules['@aws-appsync/utils/dynamodb'] = requests;
})
