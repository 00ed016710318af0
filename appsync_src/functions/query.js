import { runtime, util } from '@aws-appsync/utils';

const MOST = 1000;
const COMPARED = { eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' };

/**
 * A page of the items that an index holds under one key, in the order of its sort key.
 *
 * The key is an argument of the query or, for a relation, an attribute of the item it starts from.
 * https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-query.html
 */
export function request(ctx) {
  if (ctx.stash.withheld) {
    runtime.earlyReturn(null);
  }
  const { index, parent } = ctx.stash.plan;
  const { limit, nextToken, sortDirection } = ctx.args;
  const key = parent ? ctx.source[parent] : ctx.args[index.partition];
  const names = { '#partition': index.partition };
  const values = { ':partition': key };
  let expression = '#partition = :partition';
  const sort = ctx.args[index.sort];
  if (sort) {
    names['#sort'] = index.sort;
    expression = `${expression} AND ${sortCondition(sort, index.sort, values)}`;
  }
  return {
    operation: 'Query',
    index: index.name,
    query: {
      expression,
      expressionNames: names,
      expressionValues: util.dynamodb.toMapValues(values),
    },
    limit: Math.min(limit ?? 100, MOST),
    nextToken,
    scanIndexForward: sortDirection !== 'DESC',
    filter: ctx.stash.filter,
  };
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return ctx.result;
}

/** One condition on the sort key; its values are added to `values`. */
function sortCondition(sort, name, values) {
  const asked = [];
  for (const [operator, value] of Object.entries(sort)) {
    if (value !== null) {
      asked.push(operator);
    }
  }
  if (asked.length !== 1) {
    util.error(`${name}: give exactly one of eq, lt, le, gt, ge, between, beginsWith`, 'BadRequest');
  }
  const operator = asked[0];
  if (operator === 'between') {
    const [low, high] = sort.between;
    if (sort.between.length !== 2 || low === null || high === null) {
      util.error(`${name}: between takes two values`, 'BadRequest');
    }
    values[':low'] = low;
    values[':high'] = high;
    return '#sort BETWEEN :low AND :high';
  }
  values[':sort'] = sort[operator];
  return operator === 'beginsWith'
    ? 'begins_with(#sort, :sort)'
    : `#sort ${COMPARED[operator]} :sort`;
}
