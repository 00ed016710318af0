import { util } from '@aws-appsync/utils';

/**
 * Turn an item into a tombstone: AppSync sets `_deleted` and keeps it until the base table's time
 * to live is over, so that clients who were away learn of it.
 * https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-deleteitem.html
 */
export function request(ctx) {
  const { input } = ctx.args;
  return {
    operation: 'DeleteItem',
    key: util.dynamodb.toMapValues({ id: input.id }),
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
