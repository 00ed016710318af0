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
  const asked = filter && Object.keys(filter).length > 0;
  const groups = asked ? util.transform.toSubscriptionFilter(filter).filterGroup : [];
  if (owner) {
    extensions.setSubscriptionFilter({ filterGroup: ofOwner(groups, owner) });
  } else if (asked) {
    extensions.setSubscriptionFilter({ filterGroup: groups });
  }
  return null;
}

/**
 * Any group lets a change through, so each gets the owner. The helper's own rules are not enough to
 * rest privacy on: of several, AppSync wants one to hold.
 * https://docs.aws.amazon.com/appsync/latest/devguide/transformation-helpers-in-utils-transform-js.html
 */
function ofOwner(groups, owner) {
  const limit = { fieldName: 'owner', operator: 'eq', value: owner };
  const limited = [];
  for (const group of groups.length > 0 ? groups : [{ filters: [] }]) {
    limited.push({ filters: [...group.filters, limit] });
  }
  return limited;
}
