/** Devices whose network comes and goes. */

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { sleep, until } from "../../web_src/node/device.mjs";
import * as server from "./server.mjs";
import { device } from "./server.mjs";

beforeEach(server.wipe);
afterEach(server.closeAll);
after(() => server.control("reset"));

const mutations = (made) => made.network.requests.filter((body) => body.includes('"mutation '));

/** The versions of a site that the device stores from now on. */
function versionsOf(made, id) {
  const versions = [];
  made.DataStore.observe(made.Site, id).subscribe(({ element }) => versions.push(element._version));
  return versions;
}

async function alike(model, ...devices) {
  const truth = await server.rows(model);
  for (const each of devices) {
    await until(async () => {
      const rows = await each.rows(each[model]);
      return rows.size === truth.size && [...truth].every(([id, row]) => rows.get(id)?._version === row._version);
    }, `${each.name} to have the server's ${model}s`);
  }
  return truth;
}

test("what is created offline is sent when the network is back", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  const site = await a.save(a.Site, { name: "Mill", accessHints: ["ring twice"] });
  assert.equal((await server.rows("Site")).size, 0);
  assert.deepEqual((await a.client.waiting()).map((each) => each.operation), ["Create"]);
  await a.goOnline();
  await a.sent();
  const row = await server.row("Site", site.id);
  assert.deepEqual([row.name, row.accessHints, row._version], ["Mill", ["ring twice"], 1]);
});

test("what is edited offline is sent when the network is back", async () => {
  const { id } = await server.create("Site", { name: "Mill", phone: "+49 30 1234567" });
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  await a.edit(a.Site, id, { name: "Old mill" });
  await a.goOnline();
  await a.sent();
  const row = await server.row("Site", id);
  assert.deepEqual([row.name, row.phone, row._version], ["Old mill", "+49 30 1234567", 2]);
});

test("what is deleted offline is deleted everywhere", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const [a, b] = await Promise.all([device("a", { user: "dana" }).start(), device("b", { user: "dora" }).start()]);
  await a.goOffline();
  await a.delete(a.Site, id);
  await a.goOnline();
  await a.sent();
  await alike("Site", a, b);
  assert.equal((await server.rows("Site")).size, 0);
});

test("what came and went offline is sent to nobody", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  const { id } = await a.save(a.Site, { name: "Mill" });
  await a.edit(a.Site, id, { name: "Old mill" });
  await a.delete(a.Site, id);
  await a.goOnline();
  await a.sent();
  assert.deepEqual(mutations(a), []);
});

test("edits of a row that waits go out in one request", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  const { id } = await a.save(a.Site, { name: "Mill" });
  for (const name of ["Old mill", "Old mill, north gate"]) await a.edit(a.Site, id, { name });
  await a.goOnline();
  await a.sent();
  assert.equal(mutations(a).length, 1);
  assert.equal((await server.row("Site", id)).name, "Old mill, north gate");
});

test("rows that belong together arrive in order", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  const site = await a.save(a.Site, { name: "Mill" });
  const order = await a.save(a.WorkOrder, workOrder({ site }));
  await a.save(a.Note, { workOrder: order, writtenAt: NOW, text: "bring a ladder" });
  await a.goOnline();
  await a.sent();
  const [[, note]] = await server.rows("Note");
  assert.deepEqual([(await server.row("WorkOrder", order.id)).siteID, note.workOrderID], [site.id, order.id]);
});

test("a full outbox survives a reload without a network", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  const ids = [];
  for (const name of ["Mill", "Dock", "Yard"]) ids.push((await a.save(a.Site, { name })).id);
  await a.reload();
  assert.equal((await a.rows(a.Site)).size, 3);
  assert.equal((await a.client.waiting()).length, 3);
  await a.goOnline();
  await a.sent();
  assert.deepEqual([...(await alike("Site", a)).keys()].sort(), ids.sort());
});

test("a page closed with a full outbox sends it when it is opened again", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  await a.save(a.Site, { name: "Mill" });
  a.close();
  a.network.restore();
  await a.start();
  await a.sent();
  assert.equal((await server.rows("Site")).size, 1);
});

test("a page closed while an edit is on its way sends it again, and it counts once", async () => {
  const a = await device("a", { user: "dana" }).start();
  a.network.loseAnswers(1);
  const { id } = await a.save(a.Site, { name: "Mill" });
  await until(() => server.row("Site", id), "the creation to arrive");
  await a.reload();
  await a.sent();
  assert.equal((await server.row("Site", id))._version, 1);
  assert.deepEqual(a.notices, []);
});

test("a network that fails in the middle of a queue loses and repeats nothing", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  for (const number of [1, 2, 3, 4, 5]) await a.save(a.Site, { name: `Site ${number}` });
  let sent = 0;
  a.network.before = async (body) => {
    if (body.includes("createSite") && (sent += 1) === 3) a.network.fail();
  };
  await a.goOnline();
  await until(() => sent === 3, "the third creation");
  assert.equal((await a.client.waiting()).length, 3);
  a.network.recover();
  await a.sent();
  const truth = await alike("Site", a);
  assert.deepEqual([...truth.values()].map((row) => row._version), [1, 1, 1, 1, 1]);
});

test("an answer that is lost does not repeat what it answered", async () => {
  const a = await device("a", { user: "dana" }).start();
  a.network.loseAnswers(1);
  const { id } = await a.save(a.Site, { name: "Mill" });
  await a.sent();
  assert.equal((await server.row("Site", id))._version, 1);
  assert.equal((await a.get(a.Site, id))._version, 1);
  assert.deepEqual(a.notices, []);
});

test("two devices and a program that writes agree", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const [a, b] = await Promise.all([device("a", { user: "dana" }).start(), device("b", { user: "dora" }).start()]);
  await a.goOffline();
  await b.goOffline();
  await a.edit(a.Site, id, { phone: "+49 30 1" });
  await b.save(b.Site, { name: "Dock" });
  await server.update("Site", { id, name: "Old mill", _version: 1 });
  await server.create("Site", { name: "Yard" });
  await a.goOnline();
  await b.goOnline();
  await a.sent();
  await b.sent();
  const truth = await alike("Site", a, b);
  assert.equal(truth.size, 3);
  assert.deepEqual([truth.get(id).name, truth.get(id).phone], ["Old mill", "+49 30 1"]);
});

test("a device that was away for longer than changes are remembered reads everything", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const a = await device("a").start();
  await a.goOffline();
  await server.update("Site", { id, name: "Old mill", _version: 1 });
  const other = await server.create("Site", { name: "Dock" });
  await server.remove("Site", { id: other.id, _version: 1 });
  await server.control("clock", { offset_seconds: 25 * 3600 });
  await a.goOnline();
  const truth = await alike("Site", a);
  assert.equal(truth.get(id).name, "Old mill");
});

test("what others delete while a device is away is gone when it is back", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  await server.remove("Site", { id, _version: 1 });
  await a.goOnline();
  await until(async () => !(await a.get(a.Site, id)), "the row to go");
});

test("a connection that the server cuts is made again, and what was said meanwhile is heard", async () => {
  const a = await device("a", { user: "dana" }).start();
  await server.control("drop");
  const { id } = await server.create("Site", { name: "Mill" });
  await until(() => a.get(a.Site, id), "the row to come");
});

test("what is written while subscriptions are made again on a new connection is seen", async () => {
  const a = await device("a", { user: "dana" }).start();
  const connected = Promise.withResolvers();
  a.Hub.listen("api", ({ payload: { data } }) => data?.connectionState === "Connected" && connected.resolve());
  a.network.socketDelay = 500;
  await server.control("drop");
  await connected.promise;
  await sleep(300);
  const { id } = await server.create("Site", { name: "Mill" });
  await until(() => a.get(a.Site, id), "the row to come", { seconds: 3 });
});

test("what is written while subscriptions take longer than a synchronisation waits for is seen", async () => {
  const a = device("a", { user: "dana", haste: 0.05 });
  a.network.socketDelay = 500;
  const written = Promise.withResolvers();
  a.network.after = async (body) => {
    if (!body.includes("syncSites(")) return;
    a.network.after = async () => {};
    written.resolve(await server.create("Site", { name: "Mill" }));
  };
  await a.start();
  const { id } = await written.promise;
  await until(() => a.get(a.Site, id), "the row to come", { seconds: 5 });
});

test("a page that was read before an edit and arrives after it does not take the edit back", async () => {
  const a = await device("a", { user: "dana" }).start();
  const { id } = await server.create("Site", { name: "Mill" });
  await until(() => a.get(a.Site, id), "the row to come");
  const late = Promise.withResolvers();
  a.network.after = async (body) => {
    if (!body.includes("syncSites(")) return;
    a.network.after = async () => {};
    await a.edit(a.Site, id, { name: "Old mill" });
    await until(async () => (await a.get(a.Site, id))._version === 2, "the answer");
    late.resolve({ versions: versionsOf(a, id), synchronised: a.status.synchronised });
  };
  await server.control("drop");
  const { versions, synchronised } = await late.promise;
  await until(() => a.status.synchronised > synchronised, "the page");
  const { name, _version } = await a.get(a.Site, id);
  assert.deepEqual([name, _version, versions.filter((each) => each < 2)], ["Old mill", 2, []]);
});

test("what was written before our edit arrived, and is heard after its answer, does not take the edit back", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const a = await device("a", { user: "dana" }).start();
  await sleep(200);
  a.network.before = async (body) => {
    if (!body.includes("updateSite(")) return;
    a.network.before = async () => {};
    await server.update("Site", { id, phone: "+49 30 1", _version: 1 });
    await sleep(100);
    // What is pushed of ours would hide it.
    a.network.hush();
  };
  await a.edit(a.Site, id, { accessHints: ["gate"] });
  await a.sent();
  await until(async () => (await a.get(a.Site, id))._version === 3, "the answer");
  await server.settle();
  const { phone, accessHints, _version } = await a.get(a.Site, id);
  assert.deepEqual([phone, [...accessHints], _version], ["+49 30 1", ["gate"], 3]);
});

test("a merge that others were quicker than each time is tried again", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const a = await device("a", { user: "dana" }).start();
  const refusal = { data: { updateSite: null }, errors: [{ errorType: "MaxConflicts", message: "Too many conflicts" }] };
  let refused = 0;
  a.network.instead = (body) => (body.includes("updateSite(") && (refused += 1) <= 2 ? { status: 200, text: JSON.stringify(refusal) } : undefined);
  await a.edit(a.Site, id, { name: "Old mill" });
  await a.sent();
  assert.deepEqual([(await server.row("Site", id)).name, refused, a.notices], ["Old mill", 3, []]);
});

test("a request of before a short gap that is answered after it takes nothing out of the outbox", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const t = await device("t", { user: "tom" }).start();
  // The edit is refused; what there is, is read twice, once of either loop, and the first is the slower.
  let reads = 0;
  const second = Promise.withResolvers();
  t.network.after = async (body) => {
    if (!body.includes("getSite(")) return;
    reads += 1;
    if (reads === 2) return void second.resolve();
    if (reads > 2) return;
    t.say("offline");
    t.say("online");
    await second.promise;
  };
  await t.goOffline();
  await t.edit(t.Site, id, { name: "My mill" });
  await t.save(t.Site, { name: "Dock" });
  await t.save(t.Site, { name: "Yard" });
  await t.goOnline();
  await t.sent();
  await server.settle();
  assert.deepEqual(t.notices.map(({ kind, fields }) => [kind, fields.find(({ name }) => name === "name").ours]), [
    ["refused", "My mill"], ["refused", "Dock"], ["refused", "Yard"],
  ]); // prettier-ignore
});

test("what was still to be done for an edit when the loop was stopped is left to the next loop", async () => {
  const first = Promise.withResolvers();
  let renewals = 0;
  const tokens = async (force) => {
    if (force && (renewals += 1) === 1) await first.promise;
    return server.tokensOf("dana", force || renewals > 1 ? 60 : minutes);
  };
  let minutes = 60;
  const a = await device("a", { tokens }).start();
  minutes = server.HALF;
  await server.control("clock", { credentials_offset_seconds: server.PAST_HALF });
  for (const name of ["one", "two", "three"]) await a.save(a.Site, { name });
  await until(() => renewals === 1, "the token to be renewed");
  // The first loop gets its token while the second one sends the next edit.
  a.network.before = async (body) => {
    if (!body.includes("createSite(") || !body.includes('"two"')) return;
    first.resolve();
    await sleep(300);
  };
  a.say("offline");
  a.say("online");
  await a.sent();
  await server.settle();
  const sent = mutations(a).map((body) => JSON.parse(body).variables.input.name);
  assert.deepEqual(sent.slice(sent.indexOf("two")), ["two", "three"]);
});

test("a table of more rows than DataStore reads by itself is read to its end", async () => {
  const a = device("a", { user: "dana" });
  const last = await server.create("Site", { name: "Mill" });
  const rows = Array.from({ length: 1000 }, () => ({ ...last, id: "again", name: "Dock" }));
  const page = (items, nextToken) => JSON.stringify({ data: { syncSites: { items, nextToken, startedAt: 1 } } });
  let pages = 0;
  a.network.instead = (body) => {
    if (!body.includes("syncSites(")) return undefined;
    pages += 1;
    return { status: 200, text: pages < 12 ? page(rows, "more") : page([last], null) };
  };
  await a.start();
  assert.deepEqual([pages, (await a.get(a.Site, last.id))?.name], [12, "Mill"]);
});

test("edits made faster than the network answers all arrive", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const a = await device("a", { user: "dana" }).start();
  await server.control("latency", { seconds: 0.1 });
  for (let number = 1; number <= 5; number += 1) await a.edit(a.Site, id, { name: `Mill ${number}` });
  await a.sent();
  await server.control("latency", { seconds: 0 });
  assert.equal((await server.row("Site", id)).name, "Mill 5");
  assert.deepEqual(a.notices, []);
});

test("a token that the API finds expired is renewed, and the edit arrives", async () => {
  const given = [];
  const tokens = async (force) => {
    given.push(force);
    return server.tokensOf("dana", given.includes(true) ? 60 : server.HALF);
  };
  const a = await device("a", { tokens }).start();
  await server.control("clock", { credentials_offset_seconds: server.PAST_HALF });
  const { id } = await a.save(a.Site, { name: "Mill" });
  await a.sent();
  assert.ok(given.includes(true));
  assert.equal((await server.row("Site", id)).name, "Mill");
});

const FORBIDDEN = JSON.stringify({ errors: [{ errorType: "WAFForbiddenException", message: "403 Forbidden" }] });
const PORTAL = "<html><body>Welcome to our hotel</body></html>";

for (const [what, refusal] of [
  ["a firewall", { status: 403, text: FORBIDDEN }],
  ["a limit of requests", { status: 429, text: JSON.stringify({ errors: [{ errorType: "TooManyRequests" }] }) }],
  ["a hotel's own page", { status: 200, text: PORTAL }],
]) {
  test(`what ${what} answers instead of the API waits, until the API answers`, async () => {
    const a = await device("a", { user: "dana" }).start();
    let probes = 0;
    const states = [];
    a.client.reachability.onChange((state) => states.push(state));
    a.network.instead = () => refusal;
    const { id } = await a.save(a.Site, { name: "Mill" });
    await until(() => a.client.reachability.state === "unreachable", "the device to notice");
    a.network.after = async (body) => void (probes += body.includes("Reachable") ? 1 : 0);
    await until(() => probes === 1, "the API to be asked");
    a.say("online");
    await server.settle();
    assert.deepEqual([new Set(states), a.status.active], [new Set(["unreachable"]), false]);
    assert.deepEqual([mutations(a).length, (await a.client.waiting()).length], [1, 1]);
    a.network.instead = () => undefined;
    a.say("online"); // As the browser may: it makes the device ask at once.
    await a.sent();
    assert.equal((await server.row("Site", id)).name, "Mill");
    assert.deepEqual(a.notices, []);
  });
}

const THROTTLED = "DynamoDB:ProvisionedThroughputExceededException";

for (const [what, reason, refusal] of [
  ["a firewall never lets through", "403 Forbidden", { status: 403, text: FORBIDDEN }],
  ["a proxy finds too large", "HTTP 413", { status: 413, text: "<html>Request Entity Too Large</html>" }],
  ["a table never takes", THROTTLED, { status: 200, text: JSON.stringify({ data: null, errors: [{ errorType: THROTTLED }] }) }],
]) {
  test(`an edit that ${what} is tried often, then undone and told, and holds up no other`, async () => {
    const { id } = await server.create("Site", { name: "Mill" });
    const a = await device("a", { user: "dana" }).start();
    let attempts = 0;
    a.network.instead = (body) => (body.includes("DROP TABLE") ? ((attempts += 1), refusal) : undefined);
    await a.edit(a.Site, id, { name: "'; DROP TABLE" });
    const other = await a.save(a.Site, { name: "Dock" });
    await until(async () => a.say("online") || (await server.row("Site", other.id)), "the other edit"); // Which asks at once.
    await until(async () => (await a.get(a.Site, id)).name === "Mill", "the name to be as it was");
    assert.equal(attempts, 8);
    assert.deepEqual(a.notices.map((each) => [each.kind, each.reason]), [["refused", reason]]);
  });
}

test("an edit of a row whose edit before was given up is tried as often", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const a = await device("a", { user: "dana" }).start();
  let attempts = 0;
  a.network.instead = (body) => (body.includes("DROP TABLE") ? ((attempts += 1), { status: 403, text: FORBIDDEN }) : undefined);
  for (const [notices, name] of ["'; DROP TABLE", "'; DROP TABLE sites"].entries()) {
    attempts = 0;
    await a.edit(a.Site, id, { name });
    await until(() => a.say("online") || a.notices.length > notices, "the edit to be given up"); // Which asks at once.
    assert.equal(attempts, 8);
    await a.sent();
  }
});

test("a query that a firewall never lets through is asked ever more rarely", async () => {
  const a = device("a", { user: "dana", haste: 1 });
  a.network.instead = (body) => (body.includes("syncNotes(") ? { status: 403, text: FORBIDDEN } : undefined);
  const probes = [];
  a.network.after = async (body) => void (body.includes("Reachable") && probes.push(performance.now()));
  a.open();
  void a.DataStore.start();
  await until(() => probes.length === 3, "the API to be asked three times");
  assert.ok(probes[2] - probes[0] > 2200, `${probes}`); // Half of a second at first, then one, then two, or a quarter less.
  a.network.instead = () => undefined;
  await until(() => a.say("online") || a.status.synchronised, "the device to synchronise");
});

test("an edit that is refused waits while it cannot be read what there is, and nothing is taken for deleted", async () => {
  const { id } = await server.create("Site", { name: "Mill" });
  const t = await device("t", { user: "tom" }).start();
  const failed = JSON.stringify({ data: { getSite: null }, errors: [{ errorType: "MappingTemplate" }] });
  let reads = 0;
  // More often than the device takes for a failure of the network.
  t.network.instead = (body) => (body.includes("getSite(") && (reads += 1) <= 9 ? { status: 200, text: failed } : undefined);
  await t.edit(t.Site, id, { name: "My mill" });
  await until(() => t.client.reachability.state === "unreachable", "the device to notice");
  await until(async () => t.say("online") || (await t.client.waiting()).length === 0, "the edit to be refused"); // Which asks at once.
  await until(async () => (await t.get(t.Site, id))?.name === "Mill", "the name to be as it was");
  assert.equal(reads, 10);
  assert.deepEqual(t.notices.map((each) => each.kind), ["refused"]);
});

test("whoever has to sign in again loses nothing", async () => {
  let signedIn = true;
  const tokens = async (force) => (signedIn ? server.tokensOf("dana", 60) : force ? undefined : server.tokensOf("dana", server.HALF));
  const a = await device("a", { tokens }).start();
  signedIn = false;
  await server.control("clock", { credentials_offset_seconds: server.PAST_HALF });
  const { id } = await a.save(a.Site, { name: "Mill" });
  await until(() => a.client.reachability.state === "signed-out", "the device to ask for a sign-in");
  await server.settle();
  assert.equal((await a.client.waiting()).length, 1);
  signedIn = true;
  a.client.reachability.resume();
  await a.sent();
  assert.equal((await server.row("Site", id)).name, "Mill");
});

test("a token that cannot be renewed asks nobody to sign in, and the edit arrives when it can", async () => {
  let up = true;
  let renewals = 0;
  const tokens = async (force) => {
    if (!force) return server.tokensOf("dana", renewals && up ? 60 : server.HALF);
    renewals += 1;
    if (!up) throw new Error("NetworkError");
    return server.tokensOf("dana", 60);
  };
  const a = await device("a", { tokens }).start();
  const states = new Set();
  a.client.reachability.onChange((state) => states.add(state));
  up = false;
  await server.control("clock", { credentials_offset_seconds: server.PAST_HALF });
  const { id } = await a.save(a.Site, { name: "Mill" });
  await until(() => renewals === 3, "the token to be asked for again and again");
  assert.deepEqual([mutations(a).length, (await a.client.waiting()).length, a.status.active], [1, 1, false]);
  up = true;
  await a.sent();
  assert.equal((await server.row("Site", id)).name, "Mill");
  assert.deepEqual([[...states], a.notices], [["unreachable", "online"], []]);
});

test("a page that is opened while no token can be renewed is offline until one can", async () => {
  let up = true;
  const failures = [];
  const tokens = async (force) => {
    if (up) return server.tokensOf("dana", 60);
    failures.push(force);
    throw new Error("NetworkError");
  };
  const a = await device("a", { tokens }).start();
  await a.goOffline();
  const { id } = await a.save(a.Site, { name: "Mill" });
  a.close();
  await sleep(100);
  a.network.restore();
  up = false;
  a.open();
  const states = new Set();
  a.client.reachability.onChange((state) => states.add(state));
  void a.DataStore.start();
  await until(() => failures.filter(Boolean).length === 2, "the token to be asked for again");
  assert.deepEqual([a.client.reachability.state, (await a.client.waiting()).length], ["unreachable", 1]);
  up = true;
  await a.sent();
  assert.equal((await server.row("Site", id)).name, "Mill");
  await until(() => a.status.synchronised, "the device to synchronise");
  const other = await server.create("Site", { name: "Dock" });
  await until(() => a.get(a.Site, other.id), "what is pushed");
  assert.deepEqual([[...states], a.notices], [["unreachable", "online"], []]);
});

test("whoever turns out to be signed out when the token can be asked for again has to sign in", async () => {
  let source = async () => server.tokensOf("dana", 60);
  const a = await device("a", { tokens: (force) => source(force) }).start();
  source = async (force) => {
    if (force) throw new Error("NetworkError");
    return server.tokensOf("dana", server.HALF);
  };
  await server.control("clock", { credentials_offset_seconds: server.PAST_HALF });
  const { id } = await a.save(a.Site, { name: "Mill" });
  await until(() => a.client.reachability.state === "unreachable", "the device to notice");
  source = async () => undefined;
  await until(() => a.client.reachability.state === "signed-out", "the device to ask for a sign-in");
  source = async () => server.tokensOf("dana", 60);
  a.client.reachability.resume();
  await a.sent();
  assert.equal((await server.row("Site", id)).name, "Mill");
});

test("what somebody may not do is told to them and undone on their device", async () => {
  const { id: siteID } = await server.create("Site", { name: "Mill" });
  const t = await device("t", { user: "tom" }).start();
  await t.edit(t.Site, siteID, { name: "My mill" });
  await t.sent();
  const site = await t.get(t.Site, siteID);
  const order = await t.save(t.WorkOrder, workOrder({ site }));
  await t.sent();
  await until(async () => !(await t.get(t.WorkOrder, order.id)), "the work order to go");
  await until(async () => (await t.get(t.Site, siteID)).name === "Mill", "the name to be as it was");
  assert.deepEqual(t.notices.map((each) => [each.kind, each.model]), [["refused", "Site"], ["refused", "WorkOrder"]]);
  assert.equal(t.notices[0].fields.find((each) => each.name === "name").ours, "My mill");
});

test("a note reaches its author's other device and the dispatcher, and no other technician", async () => {
  const { id: siteID } = await server.create("Site", { name: "Mill" });
  const order = await server.create("WorkOrder", { ...workOrder(), siteID });
  const [tom, phone, tina, dana] = await Promise.all(
    [["tom"], ["tom"], ["tina"], ["dana"]].map(([user], at) => device(`${user}${at}`, { user }).start()),
  );
  const note = await tom.save(tom.Note, { workOrder: await tom.get(tom.WorkOrder, order.id), writtenAt: NOW, text: "wet" });
  await tom.sent();
  await until(() => phone.get(phone.Note, note.id), "the other device");
  await until(() => dana.get(dana.Note, note.id), "the dispatcher");
  await server.settle();
  assert.equal(await tina.get(tina.Note, note.id), undefined);
});

const NOW = "2026-12-01T09:00:00.000Z";

function workOrder(more = {}) {
  return { title: "Mend the pump", status: "PLANNED", scheduledFor: NOW, ...more };
}
