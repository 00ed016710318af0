import { util } from '@aws-appsync/utils';

/**
 * Change the fields that are given; null removes one. A client that sends no `_version` has not
 * seen the item, which is a conflict and never an overwrite: 0 is older than every version.
 *
 * The key, `_version`, `_deleted` and `_lastChangedAt` are AppSync's and never in the expression.
 * https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-updateitem.html
 */
export function request(ctx) {
  const { input } = ctx.args;
  const { required } = ctx.stash.plan;
  const names = { '#updatedAt': 'updatedAt' };
  const values = { ':updatedAt': util.time.nowISO8601() };
  const set = ['#updatedAt = :updatedAt'];
  const remove = [];
  for (const [name, value] of Object.entries(input)) {
    if (name !== 'id' && name !== '_version') {
      names[`#${name}`] = name;
      if (value !== null) {
        values[`:${name}`] = value;
        set.push(`#${name} = :${name}`);
      } else if (required.includes(name)) {
        util.error(`input.${name}: required, so it cannot be removed`, 'BadRequest');
      } else {
        remove.push(`#${name}`);
      }
    }
  }
  const removal = remove.length > 0 ? ` REMOVE ${remove.join(', ')}` : '';
  return {
    operation: 'UpdateItem',
    key: util.dynamodb.toMapValues({ id: input.id }),
    update: {
      expression: `SET ${set.join(', ')}${removal}`,
      expressionNames: names,
      expressionValues: util.dynamodb.toMapValues(values),
    },
    condition: ctx.stash.condition,
    _version: input._version ?? 0,
  };
}

/** The item as the server has it goes with the error: without it no client resolves a conflict. */
export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type, ctx.result);
  }
  return ctx.result;
}
