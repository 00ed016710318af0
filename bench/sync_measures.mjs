/** What `bench/sync.py` measures, in Node: the real client where a client is meant, else plain requests. */

import { until } from "../web_src/node/device.mjs";
import * as server from "../tests/sync_client/server.mjs";

const { device } = server;
const [what, ...rest] = process.argv.slice(2);
const NOW = "2026-12-01T09:00:00.000Z";
const PAGE = 1000;

const measures = { reconnect, rows, fanOut, conflicts };

/** From the `online` event until two devices and the server are alike, in milliseconds. */
async function reconnect(rounds) {
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    await server.wipe();
    const made = [];
    for (let number = 0; number < 5; number += 1) made.push(await server.create("Site", { name: `Site ${number}` }));
    const a = await device("a", { user: "dana", haste: 1 }).start();
    const b = await device("b", { user: "dora", haste: 1 }).start();
    await a.goOffline();
    for (const [at, { id }] of made.entries()) if (at < 3) await a.edit(a.Site, id, { phone: `+49 30 ${1000 + at}` });
    const { id: created } = await a.save(a.Site, { name: "made offline" });
    for (const { id } of made.slice(0, 2)) await b.edit(b.Site, id, { name: "theirs" });
    await b.delete(b.Site, made[4].id);
    await b.sent();
    const begun = performance.now();
    await a.goOnline();
    await a.sent();
    await until(async () => alike(await server.rows("Site"), await a.rows(a.Site), await b.rows(b.Site)), "all to be alike");
    times.push(performance.now() - begun);
    if (!(await server.row("Site", created))) throw new Error("what was made offline is missing");
    server.closeAll();
  }
  return { milliseconds: times };
}

function alike(truth, ...others) {
  return others.every(
    (rows) => rows.size === truth.size && [...truth].every(([id, row]) => rows.get(id)?._version === row._version),
  );
}

/** A full and a changes-only synchronisation of so many rows; by the client too, if `withClient`. */
async function rows(count, changes, withClient) {
  await server.wipe();
  await fill(count);
  const before = Date.now();
  const some = [];
  for (let number = 0; number < changes; number += 1) some.push(await server.update("Site", { id: `row-${number}`, phone: "+49 30 1234", _version: 1 }));
  const base = await synchronise(0);
  const delta = await synchronise(before - 1);
  const result = { base, delta };
  expect(base.items, count, "items of a full read");
  expect(delta.items, changes, "items of a changes-only read");
  if (withClient) {
    const begun = performance.now();
    const a = device("a", { user: "dana", haste: 1 });
    await a.open().DataStore.start();
    await until(() => a.status.synchronised, "the first synchronisation", { seconds: 900 });
    result.clientSeconds = (performance.now() - begun) / 1000;
    expect((await a.rows(a.Site)).size, count, "rows of the client");
    await a.goOffline();
    await server.update("Site", { id: "row-0", name: "again", _version: 2 });
    const back = performance.now();
    await a.goOnline();
    await until(async () => (await a.get(a.Site, "row-0")).name === "again", "the change");
    result.clientBackSeconds = (performance.now() - back) / 1000;
  }
  return result;
}

function expect(found, wanted, what) {
  if (found !== wanted) throw new Error(`${found} ${what} instead of ${wanted}: nothing was measured`);
}

async function synchronise(lastSync) {
  const begun = performance.now();
  let pages = 0;
  let bytes = 0;
  let items = 0;
  let nextToken = null;
  do {
    const query = `query S($nextToken: String, $lastSync: AWSTimestamp) { syncSites(limit: ${PAGE}, nextToken: $nextToken, lastSync: $lastSync) { items { id name phone accessHints createdAt updatedAt _version _deleted _lastChangedAt } nextToken } }`;
    const answer = await server.ask(query, { nextToken, lastSync });
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    pages += 1;
    items += answer.data.syncSites.items.length;
    bytes += JSON.stringify(answer).length;
    nextToken = answer.data.syncSites.nextToken;
  } while (nextToken);
  return { seconds: (performance.now() - begun) / 1000, pages, items, bytes };
}

/** Rows as AppSync would have written them, put into the table at once: 100,000 mutations take too long. */
async function fill(count) {
  const [table] = server.backend.tables.filter((name) => /-TablesSite/.test(name));
  const at = String(Date.now());
  for (let from = 0; from < count; from += 25) {
    const puts = [];
    for (let number = from; number < Math.min(from + 25, count); number += 1) {
      const text = (value) => ({ S: value });
      const item = { id: text(`row-${number}`), name: text(`Site ${number}`), accessHints: { L: [text("gate"), text("ring twice")] }, createdAt: text(NOW), updatedAt: text(NOW), _version: { N: "1" }, _lastChangedAt: { N: at } };
      puts.push({ PutRequest: { Item: item } });
    }
    await server.dynamodb("BatchWriteItem", { RequestItems: { [table]: puts } });
  }
}

/** From a mutation until its last of so many subscribers has it. */
async function fanOut(subscribers, rounds) {
  await server.wipe();
  const sockets = await Promise.all(Array.from({ length: subscribers }, subscribe));
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    const heard = Promise.all(sockets.map((socket) => socket.next()));
    const begun = performance.now();
    await server.create("Site", { name: `Site ${round}` });
    await heard;
    times.push(performance.now() - begun);
  }
  for (const socket of sockets) socket.close();
  return { milliseconds: times };
}

async function subscribe() {
  const { graphqlUrl, apiKey } = server.backend;
  const authorization = { host: new URL(graphqlUrl).host, "x-api-key": apiKey };
  const header = Buffer.from(JSON.stringify(authorization)).toString("base64url");
  const socket = new WebSocket(`${graphqlUrl.replace("http", "ws")}/realtime`, ["graphql-ws", `header-${header}`]);
  let hear = () => {};
  const acknowledged = Promise.withResolvers();
  socket.onopen = () => socket.send(JSON.stringify({ type: "connection_init" }));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "connection_ack") {
      const query = JSON.stringify({ query: "subscription S { onCreateSite { id name _version } }", variables: {} });
      socket.send(JSON.stringify({ id: "1", type: "start", payload: { data: query, extensions: { authorization } } }));
    }
    if (message.type === "start_ack") acknowledged.resolve();
    if (message.type === "error" || message.type === "connection_error") acknowledged.reject(new Error(data));
    if (message.type === "data") hear();
  };
  await acknowledged.promise;
  return { next: () => new Promise((resolve) => (hear = resolve)), close: () => socket.close() };
}

/** Mutations of a version that is not the current one, on a row each of eight at a time: how many a second. */
async function conflicts(count) {
  const results = {};
  for (const [name, [make, change]] of Object.entries(STALE)) {
    await server.wipe();
    const ids = await Promise.all(Array.from({ length: 8 }, make));
    let number = 0;
    const begun = performance.now();
    await Promise.all(
      ids.map(async (id) => {
        while (number < count) await change(id, (number += 1));
      }),
    );
    results[name] = count / ((performance.now() - begun) / 1000);
  }
  return results;
}

const STALE = {
  "no conflict": [async () => "", (_id, number) => server.create("Site", { name: `Site ${number}` })],
  AUTOMERGE: [
    () => changedOnce("Site", { name: "Mill" }, { phone: "+49 30 1234" }),
    (id, number) => server.update("Site", { id, name: `Site ${number}`, _version: 1 }),
  ],
  LAMBDA: [
    () => changedOnce("WorkOrder", { title: "Pump", status: "PLANNED", scheduledFor: NOW, siteID: "site" }, { priority: 1 }),
    (id, number) => server.update("WorkOrder", { id, description: `text ${number}`, _version: 1 }),
  ],
  OPTIMISTIC_CONCURRENCY: [
    ownNote,
    (id, number) => refused(server.update("Note", { id, text: `text ${number}`, _version: 1 })),
  ],
};

async function changedOnce(model, values, change) {
  const { id } = await server.create(model, values);
  await server.update(model, { id, ...change, _version: 1 });
  return id;
}

async function ownNote() {
  const query = `mutation M($input: CreateNoteInput!) { createNote(input: $input) { id _version } }`;
  const { data, errors } = await server.ask(query, { input: { workOrderID: "order", writtenAt: NOW, text: "wet", owner: "bench" } });
  if (errors) throw new Error(JSON.stringify(errors));
  const { id } = data.createNote;
  await server.update("Note", { id, text: "wetter", _version: 1 });
  return id;
}

async function refused(mutation) {
  const error = await mutation.then(() => undefined, (problem) => problem);
  if (error?.errorType !== "ConflictUnhandled") throw new Error(`expected a conflict, not ${error?.errorType}`);
}

console.log(JSON.stringify(await measures[what](...rest.map(Number))));
server.closeAll();
process.exit(0);
