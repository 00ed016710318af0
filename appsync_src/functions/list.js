import { util } from '@aws-appsync/utils';

const MOST = 1000;

/**
 * A page of all items, tombstones included; a filter is applied after reading, so a page may be
 * shorter than its limit, and empty before the last.
 * https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-scan.html
 */
export function request(ctx) {
  const { limit, nextToken } = ctx.args;
  return {
    operation: 'Scan',
    limit: Math.min(limit ?? 100, MOST),
    nextToken,
    filter: ctx.stash.filter,
  };
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return ctx.result;
}
