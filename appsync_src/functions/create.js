import { util } from '@aws-appsync/utils';

/**
 * Write an item that is not there yet. AppSync adds `_version` 1, `_lastChangedAt` and the row of
 * the delta table. Null means absent: an index refuses a null in its key.
 * https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-put-item.html
 */
export function request(ctx) {
  const { input } = ctx.args;
  const { caller, owner, plan } = ctx.stash;
  const now = util.time.nowISO8601();
  const item = { createdAt: now, updatedAt: now };
  for (const [name, value] of Object.entries(input)) {
    if (value !== null && name !== '_version' && name !== 'id') {
      item[name] = value;
    }
  }
  if (plan.owned) {
    item.owner = input.owner ?? caller;
    if (owner && item.owner !== owner) {
      util.unauthorized();
    }
    if (!item.owner) {
      util.error('input.owner: say whom the item belongs to; only users may leave it out', 'BadRequest');
    }
  }
  return {
    operation: 'PutItem',
    key: util.dynamodb.toMapValues({ id: input.id ?? util.autoId() }),
    attributeValues: util.dynamodb.toMapValues(item),
    condition: ctx.stash.condition,
  };
}

/** An item that was there already is told to its owner alone: retries converge by it. */
export function response(ctx) {
  if (ctx.error) {
    const { owner } = ctx.stash;
    const theirs = owner && ctx.result && ctx.result.owner !== owner;
    util.error(ctx.error.message, ctx.error.type, theirs ? null : ctx.result);
  }
  return ctx.result;
}
