"""What runs in the API of notes.py: resolvers, a conflict handler, an authorizer."""

from __future__ import annotations

GET = """
import { get } from '@aws-appsync/utils/dynamodb';
export const request = (ctx) => get({ key: { id: ctx.args.id } });
export const response = (ctx) => ctx.result;
"""
FINISHED = """
export function response(ctx) {
  if (ctx.error) { util.error(ctx.error.message, ctx.error.type, ctx.result); }
  return ctx.result;
}
"""
VALUES = """
function values(input) {
  const { id, _version, ...rest } = input;
  const typed = util.dynamodb.toMapValues(rest);
  if (rest.interests) { typed.interests = util.dynamodb.toStringSet(rest.interests); }
  return typed;
}
"""
CREATE = (
    "import { util } from '@aws-appsync/utils';"
    + VALUES
    + """
export function request(ctx) {
  const { input } = ctx.args;
  return {
    operation: 'PutItem',
    key: util.dynamodb.toMapValues({ id: input.id }),
    attributeValues: values(input),
    condition: { expression: 'attribute_not_exists(#id)', expressionNames: { '#id': 'id' } },
  };
}
"""
    + FINISHED
)
UPDATE = (
    "import { util } from '@aws-appsync/utils';"
    + VALUES
    + """
export function request(ctx) {
  const { input } = ctx.args;
  const typed = values(input);
  const sets = [];
  const removes = [];
  const expressionNames = {};
  const expressionValues = {};
  for (const name of Object.keys(typed)) {
    expressionNames[`#${name}`] = name;
    if (input[name] === null) { removes.push(`#${name}`); } else {
      sets.push(`#${name} = :${name}`);
      expressionValues[`:${name}`] = typed[name];
    }
  }
  const parts = [];
  if (sets.length > 0) { parts.push(`SET ${sets.join(', ')}`); }
  if (removes.length > 0) { parts.push(`REMOVE ${removes.join(', ')}`); }
  return {
    operation: 'UpdateItem',
    key: util.dynamodb.toMapValues({ id: input.id }),
    update: { expression: parts.join(' '), expressionNames, expressionValues },
    condition: { expression: 'attribute_exists(#id)', expressionNames: { '#id': 'id' } },
    _version: input._version ?? 0,
  };
}
"""
    + FINISHED
)
DELETE = (
    """
import { util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';
export function request(ctx) {
  return ddb.remove({
    key: { id: ctx.args.id },
    condition: { id: { attributeExists: true } },
    _version: ctx.args._version ?? 0,
  });
}
"""
    + FINISHED
)
SYNC = (
    """
import { util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';
export function request(ctx) {
  const { limit, nextToken, lastSync, minimum } = ctx.args;
  const filter = minimum === undefined ? undefined : { jersey: { ge: minimum } };
  return ddb.sync({ limit, nextToken, lastSync, filter });
}
"""
    + FINISHED
)
ON_CREATE = """
export const request = () => ({ payload: null });
export const response = () => null;
"""
ON_UPDATE = """
import { extensions, util } from '@aws-appsync/utils';
export const request = () => ({ payload: null });
export function response(ctx) {
  if (ctx.args.minimum === 666) { util.unauthorized(); }
  const enough = { jersey: { ge: ctx.args.minimum ?? 0 } };
  const filter = { or: [enough, { name: { beginsWith: 'VIP' } }] };
  extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter(filter));
  extensions.setSubscriptionInvalidationFilter(
    util.transform.toSubscriptionFilter({ minimum: { eq: ctx.args.minimum ?? 0 } }),
  );
  return null;
}
"""

SIMPLE: dict[str, str] = {
    "Query.echo": """
export const request = (ctx) => ({ payload: ctx.args.what });
export const response = (ctx) => ctx.result;
""",
    "Query.who": """
import { util } from '@aws-appsync/utils';
export const request = (ctx) => ({ payload: { identity: ctx.identity, type: util.authType() } });
export const response = (ctx) => ctx.result;
""",
    "Query.fails": """
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  const { how } = ctx.args;
  if (how === 'error') {
    util.error('Bad luck', 'Luck', { id: '1', name: 'n', jersey: 7 }, { hint: 'h' });
  }
  if (how === 'append') { util.appendError('Careful', 'Warning', { id: '2' }); }
  if (how === 'unauthorized') { util.unauthorized(); }
  if (how === 'crash') { return ctx.nothing.there; }
  return { payload: { id: '3', _version: 1, _lastChangedAt: 1 } };
}
export const response = (ctx) => ctx.result;
""",
    "Mutation.close": """
import { extensions } from '@aws-appsync/utils';
export const request = () => ({ payload: 'closed' });
export function response(ctx) {
  const payload = { minimum: 5 };
  extensions.invalidateSubscriptions({ subscriptionField: 'onUpdateMerged', payload });
  return ctx.result;
}
""",
}
STEP = """
import { runtime } from '@aws-appsync/utils';
export function request(ctx) {
  ctx.stash.steps = [...(ctx.stash.steps ?? []), `%(name)s got ${ctx.prev.result}`];
  if (ctx.prev.result === 99) { runtime.earlyReturn('early', { skipTo: 'END' }); }
  return { payload: ctx.prev.result + 1 };
}
export const response = (ctx) => ctx.result;
"""
PIPELINE = """
export const request = (ctx) => ctx.args.start;
export const response = (ctx) => [...ctx.stash.steps, `end ${ctx.result}`];
"""
CONFLICT_HANDLER = """
def handler(event, context):
    wish = (event["newItem"] or {}).get("name", "")
    if wish == "reject":
        return {"action": "REJECT"}
    if wish == "nonsense":
        return {"action": "DANCE"}
    if event["newItem"] is None:
        return {"action": "REMOVE"}
    item = {**event["existingItem"], "name": f"{event['existingItem'].get('name')}+{wish}"}
    item["jersey"] = len(event["arguments"]["input"])
    item["owner"] = event["resolver"]["field"]
    return {"action": "RESOLVE", "item": item}
"""
AUTHORIZER = """
def handler(event, context):
    token = event["authorizationToken"]
    return {
        "isAuthorized": token.startswith("let me in"),
        "resolverContext": {"said": token},
        "deniedFields": ["Query.keyOnly"],
    }
"""
