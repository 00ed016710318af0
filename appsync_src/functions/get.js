import { runtime, util } from '@aws-appsync/utils';

/**
 * One item by its id, or the item that another one refers to.
 *
 * DataStore asks every synchronised item for `{ id _deleted }` of what it belongs to. The id is in
 * the item already; reading a thousand parents for a page of a thousand would only cost money. It
 * is also all that is said of an item which some of those who are told may not read.
 */
export function request(ctx) {
  const { parent } = ctx.stash.plan;
  const id = parent ? ctx.source[parent] : ctx.args.id;
  if (!id) {
    runtime.earlyReturn(null);
  }
  if (parent && onlyTheKey(ctx.info)) {
    runtime.earlyReturn({ id, _deleted: null });
  }
  if (ctx.stash.withheld) {
    runtime.earlyReturn(null);
  }
  return { operation: 'GetItem', key: util.dynamodb.toMapValues({ id }) };
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  const { owner } = ctx.stash;
  if (owner && ctx.result && ctx.result.owner !== owner) {
    util.unauthorized();
  }
  return ctx.result;
}

/** The list calls a field by its alias, so `id: title` looks like the key; these have no arguments. */
function onlyTheKey(info) {
  for (const name of info.selectionSetList) {
    if (name !== 'id' && name !== '_deleted' && name !== '__typename') {
      return false;
    }
  }
  return info.selectionSetGraphQL.indexOf(':') < 0;
}
