import { runtime, util } from '@aws-appsync/utils';

/**
 * Before a change by somebody who may only reach their own items: whose is it?
 *
 * Asked first and apart, so that no conflict with somebody else's item is ever told to them, and
 * read consistently, as they may have created it a moment ago.
 */
export function request(ctx) {
  if (!ctx.stash.owner) {
    runtime.earlyReturn(null);
  }
  return {
    operation: 'GetItem',
    key: util.dynamodb.toMapValues({ id: ctx.args.input.id }),
    consistentRead: true,
  };
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  if (ctx.result && ctx.result.owner !== ctx.stash.owner) {
    util.unauthorized();
  }
  return ctx.result;
}
