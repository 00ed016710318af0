import { extensions, util } from '@aws-appsync/utils';

/**
 * Whose changes a subscriber is told, decided when they subscribe: their own filter and, for those
 * who may only reach their own items, the owner. AppSync applies it to every change, to the fields
 * that the mutation selected.
 * https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-enhanced-filtering.html
 */
export function request() {
  return { payload: null };
}

export function response(ctx) {
  const { filter } = ctx.args;
  const { owner } = ctx.stash;
  if (owner && ctx.args.owner && ctx.args.owner !== owner) {
    util.unauthorized();
  }
  if (filter && Object.keys(filter).length > 0) {
    const rules = owner ? { owner: { eq: owner } } : {};
    extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter(filter, [], rules));
  } else if (owner) {
    extensions.setSubscriptionFilter({
      filterGroup: [{ filters: [{ fieldName: 'owner', operator: 'eq', value: owner }] }],
    });
  }
  return null;
}
