import { util } from '@aws-appsync/utils';

const MOST = 1000;

/**
 * A page of what changed since `lastSync`: from the delta table while that remembers, otherwise of
 * everything. DataStore's first synchronisation says 0, which is the same as never.
 * https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-sync.html
 */
export function request(ctx) {
  const { lastSync, limit, nextToken } = ctx.args;
  return {
    operation: 'Sync',
    limit: Math.min(limit ?? 100, MOST),
    nextToken,
    lastSync: lastSync || null,
    filter: ctx.stash.filter,
  };
}

/** Items, nextToken and startedAt: the client's next `lastSync`. */
export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type, ctx.result);
  }
  return ctx.result;
}
