import { util } from '@aws-appsync/utils';

/**
 * Every resolver: who is it, what may they reach, then the functions of its pipeline.
 *
 * The plan comes from models.json and is filled in at synth. It is the only thing that differs
 * between resolvers, so there is one place where access is decided.
 */
const PLAN = {};

export function request(ctx) {
  ctx.stash.plan = PLAN;
  ctx.stash.caller = callerOf(ctx.identity);
  ctx.stash.owner = ownerLimit(ctx.identity, PLAN.allow);
  ctx.stash.filter = filterOf(ctx.args.filter, ctx.stash.owner);
  ctx.stash.withheld = isPushed(ctx.source) && PLAN.shared === false;
  if (PLAN.writes) {
    ctx.stash.condition = conditionOf(PLAN.writes === 'new', ctx.args.condition);
  }
  return {};
}

/**
 * AppSync pushes the answer of a mutation to subscribers as it is; no resolver asks who they are.
 * So what a mutation answers is marked, the items below it too, and a relation below a mark shows
 * nothing that not all readers of its parent may read. The name can be no field of the schema.
 * https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html
 */
export function response(ctx) {
  const { result } = ctx.prev;
  if (!result || !(PLAN.writes || isPushed(ctx.source))) {
    return result;
  }
  if (!PLAN.index) {
    return { ...result, __pushed: true };
  }
  const items = [];
  for (const item of result.items) {
    items.push({ ...item, __pushed: true });
  }
  return { ...result, items };
}

function isPushed(source) {
  return !!source && source.__pushed === true;
}

/** The name that becomes the owner of what the caller creates; programs have to give one. */
function callerOf(identity) {
  const mode = util.authType();
  if (mode === 'API Key Authorization') {
    return 'developer';
  }
  return mode === 'User Pool Authorization' ? identity.username : null;
}

/**
 * The owner whose items alone the caller may reach; null when they may reach all.
 *
 * The API key exists in dev alone and may do anything there. IAM is for programs of the account;
 * whoever got their credentials from the identity pool is a user, and has to come as one.
 */
function ownerLimit(identity, allow) {
  const mode = util.authType();
  if (mode === 'API Key Authorization') {
    return null;
  }
  if (mode === 'IAM Authorization') {
    if (identity.cognitoIdentityId) {
      util.unauthorized();
    }
    return null;
  }
  return limitOfUser(identity, allow);
}

function limitOfUser(identity, allow) {
  if (allow.signedIn) {
    return null;
  }
  const groups = identity.groups ?? [];
  for (const group of allow.groups) {
    if (groups.includes(group)) {
      return null;
    }
  }
  if (!allow.owner) {
    util.unauthorized();
  }
  return identity.username;
}

/** The caller's filter and the owner's limit as one DynamoDB expression. */
function filterOf(given, owner) {
  const parts = [];
  if (given && Object.keys(given).length > 0) {
    parts.push(given);
  }
  if (owner) {
    parts.push({ owner: { eq: owner } });
  }
  if (parts.length === 0) {
    return null;
  }
  const both = parts.length === 1 ? parts[0] : { and: parts };
  return JSON.parse(util.transform.toDynamoDBFilterExpression(both));
}

/**
 * The caller's condition, and that the item exists or does not, as one DynamoDB expression.
 * DynamoDB refuses an empty map of values.
 */
function conditionOf(isNew, given) {
  const parts = [{ id: { attributeExists: !isNew } }];
  if (given && Object.keys(given).length > 0) {
    parts.push(given);
  }
  const both = parts.length === 1 ? parts[0] : { and: parts };
  const made = JSON.parse(util.transform.toDynamoDBConditionExpression(both));
  if (made.expressionValues && Object.keys(made.expressionValues).length > 0) {
    return made;
  }
  return { expression: made.expression, expressionNames: made.expressionNames };
}
