/** The server's side of the tests: an API writer, the truth, and the engine's fault door. */

import fs from "node:fs";

import { Device, sleep } from "../../web_src/node/device.mjs";

const described = process.env.GROUNDWORK_SYNC;
if (!described) throw new Error("GROUNDWORK_SYNC names no backend: run these tests by pytest, or see tests/sync_backend.py");
export const backend = JSON.parse(fs.readFileSync(described, "utf8"));

const FIELDS = {
  Site: "id name address { street postalCode city latitude longitude } accessHints phone",
  WorkOrder: "id siteID title description status priority assignee scheduledFor tags",
  Note: "id workOrderID writtenAt text photo { key contentType takenAt } owner",
};
const VERSIONS = "createdAt updatedAt _version _deleted _lastChangedAt";

/** Ask the API as a program would, with its key. */
export async function ask(query, variables = {}) {
  const response = await fetch(backend.graphqlUrl, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": backend.apiKey },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

async function mutate(verb, model, input) {
  const query = `mutation M($input: ${verb}${model}Input!) { ${verb.toLowerCase()}${model}(input: $input) { ${FIELDS[model]} ${VERSIONS} } }`;
  const { data, errors } = await ask(query, { input });
  if (errors) throw Object.assign(new Error(errors[0].message), errors[0]);
  return Object.values(data)[0];
}

export const create = (model, input) => mutate("Create", model, input);
export const update = (model, input) => mutate("Update", model, input);
export const remove = (model, input) => mutate("Delete", model, input);

/** What the server has: rows that are not deleted, by id. */
export async function rows(model) {
  const found = new Map();
  let nextToken = null;
  do {
    const query = `query S($nextToken: String) { sync${model}s(limit: 1000, nextToken: $nextToken, lastSync: 0) { items { ${FIELDS[model]} ${VERSIONS} } nextToken } }`;
    const { data, errors } = await ask(query, { nextToken });
    if (errors) throw new Error(JSON.stringify(errors));
    const page = data[`sync${model}s`];
    for (const row of page.items) if (!row._deleted) found.set(row.id, row);
    nextToken = page.nextToken;
  } while (nextToken);
  return found;
}

export const row = async (model, id) => (await rows(model)).get(id);

/** The engine's fault door, local/appsync/control_door.py. */
export async function control(name, request = {}) {
  const response = await fetch(`${backend.endpoint}/_groundwork/appsync/${name}`, {
    method: "POST",
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer;
}

/** No row, no change and no fault is left of what was before. */
export async function wipe() {
  await control("reset");
  for (const table of backend.tables) {
    const { Table } = await dynamodb("DescribeTable", { TableName: table });
    const keys = Table.KeySchema.map((each) => each.AttributeName);
    const { Items } = await dynamodb("Scan", { TableName: table });
    for (let at = 0; at < Items.length; at += 25) {
      const deletions = Items.slice(at, at + 25).map((item) => ({
        DeleteRequest: { Key: Object.fromEntries(keys.map((name) => [name, item[name]])) },
      }));
      await dynamodb("BatchWriteItem", { RequestItems: { [table]: deletions } });
    }
  }
}

export async function dynamodb(operation, request) {
  const response = await fetch(backend.endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=groundwork-local/20260101/${backend.region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

const open = new Set();

/** A device of a user, or, without one, with the API key. Closed by `closeAll`. */
export function device(name, { user, without, haste = 0.1, minutes = 60, tokens } = {}) {
  const connection = { graphqlUrl: backend.graphqlUrl, region: backend.region, without };
  const made = new Device({ name, connection, haste });
  if (user || tokens) connection.tokens = tokens ?? (async () => tokensOf(user, minutes));
  else connection.apiKey = backend.apiKey;
  open.add(made);
  return made;
}

/** Minutes for which the shorter tokens are good, and after how many seconds they alone are not. */
export const HALF = 30;
export const PAST_HALF = 33 * 60;

export function tokensOf(user, minutes = 60) {
  const held = backend.tokens[user][minutes];
  return { accessToken: decoded(held.accessToken), idToken: decoded(held.idToken) };
}

function decoded(token) {
  const payload = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  return { payload, toString: () => token };
}

export function closeAll() {
  for (const each of open) each.close();
  open.clear();
}

/** Give what must not happen the time to happen. */
export const settle = () => sleep(150);
