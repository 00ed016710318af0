/**
 * Each cure: what happens without it, and with it. If the first half fails one day, the client has
 * been mended, and the cure can go.
 */

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { IDBObjectStore } from "fake-indexeddb";

import { sleep, until } from "../../web_src/node/device.mjs";
import * as server from "./server.mjs";
import { device } from "./server.mjs";

beforeEach(server.wipe);
afterEach(server.closeAll);
after(() => server.control("reset"));

const NOW = "2026-12-01T09:00:00.000Z";

/** `also`: cures that would hide the loss from the first half, since they keep an edit too. */
function cure(name, what, scenario, also = []) {
  test(`${name}: ${what[0]}`, () => scenario({ cured: false, without: [name, ...also] }));
  test(`${name}: ${what[1]}`, () => scenario({ cured: true }));
}

cure(
  "reachability",
  ["without it, an edit is dropped when the network fails unnoticed", "an edit is kept when the network fails unnoticed"],
  async ({ cured, without }) => {
    const a = await device("a", { user: "dana", without }).start();
    a.network.fail();
    const { id } = await a.save(a.Site, { name: "Mill" });
    if (!cured) {
      await a.sent();
      a.network.recover();
      await server.settle();
      assert.equal(await server.row("Site", id), undefined);
      return;
    }
    await until(() => a.client.reachability.state === "unreachable", "the device to notice");
    await server.settle();
    assert.equal((await a.client.waiting()).length, 1);
    a.network.recover();
    await a.sent();
    assert.equal((await server.row("Site", id)).name, "Mill");
    assert.equal(a.client.reachability.state, "online");
  },
);

cure(
  "reachability",
  ["without it, an edit is dropped when the API is unavailable", "an edit is kept when the API is unavailable"],
  async ({ cured, without }) => {
    const a = await device("a", { user: "dana", without }).start();
    await server.control("refuse", { status: 503, seconds: 60 });
    const { id } = await a.save(a.Site, { name: "Mill" });
    if (cured) {
      await until(() => a.client.reachability.state === "unreachable", "the device to notice");
      await server.settle();
      await server.control("reset");
    }
    await a.sent();
    await server.control("reset");
    assert.equal((await server.row("Site", id))?.name, cured ? "Mill" : undefined);
  },
  ["rejections"],
);

cure(
  "session",
  ["without it, an edit is dropped when the token is refused", "an edit is sent with a new token"],
  async ({ cured, without }) => {
    let good = server.HALF;
    const tokens = async (force) => server.tokensOf("dana", force ? (good = 60) : good);
    const a = await device("a", { tokens, without }).start();
    await server.control("clock", { credentials_offset_seconds: server.PAST_HALF });
    const { id } = await a.save(a.Site, { name: "Mill" });
    await a.sent();
    assert.equal((await server.row("Site", id))?.name, cured ? "Mill" : undefined);
  },
  ["rejections"],
);

cure(
  "subscribeFirst",
  ["without it, what is written while subscriptions are made is missed", "what is written while subscriptions are made is seen"],
  async ({ cured, without }) => {
    const a = device("a", { user: "dana", without });
    a.network.socketDelay = 300;
    const starting = a.start();
    await (cured ? sleep(400) : starting);
    const { id } = await server.create("Site", { name: "Mill" });
    await starting;
    await sleep(1000);
    assert.equal((await a.get(a.Site, id))?.name, cured ? "Mill" : undefined);
  },
);

cure(
  "inOrder",
  ["without it, what others write while an answer is on its way is lost", "what others write while an answer is on its way is kept"],
  async ({ cured, without }) => {
    const { id } = await server.create("Site", { name: "Mill" });
    const a = await device("a", { user: "dana", without }).start();
    await sleep(200);
    let done = false;
    a.network.after = async (body) => {
      if (!body.includes("updateSite(") || done) return;
      done = true;
      await server.update("Site", { id, phone: "+49 30 1", _version: 2 });
      await sleep(200);
    };
    await a.edit(a.Site, id, { name: "Old mill" });
    await a.sent();
    await sleep(300);
    const row = await a.get(a.Site, id);
    assert.deepEqual([row.name, row.phone], ["Old mill", cured ? "+49 30 1" : null]);
  },
);

cure(
  "conflicts",
  ["without it, the author's edit disappears in silence", "the author's edit is kept, and they are told"],
  async ({ cured, without }) => {
    const { id: siteID } = await server.create("Site", { name: "Mill" });
    const order = await server.create("WorkOrder", { title: "Pump", status: "PLANNED", scheduledFor: NOW, siteID });
    const [a, b] = await Promise.all(["a", "b"].map((name) => device(name, { user: "tom", without }).start()));
    const workOrder = await a.get(a.WorkOrder, order.id);
    const { id } = await a.save(a.Note, { workOrder, writtenAt: NOW, text: "wet" });
    await a.sent();
    await until(() => b.get(b.Note, id), "the other device");
    await a.goOffline();
    await a.edit(a.Note, id, { text: "ours" });
    await b.edit(b.Note, id, { text: "theirs" });
    await b.sent();
    await a.goOnline();
    await a.sent();
    await until(async () => (await a.get(a.Note, id))._version === (await server.row("Note", id))._version, "the device to agree");
    assert.equal((await server.row("Note", id)).text, cured ? "ours" : "theirs");
    assert.deepEqual(a.notices.map((each) => each.kind), cured ? ["ours-kept"] : []);
  },
);

cure(
  "rejections",
  ["without it, a refused edit stays on the device, which nobody is told", "a refused edit is undone, and its author told"],
  async ({ cured, without }) => {
    const { id } = await server.create("Site", { name: "Mill" });
    const t = await device("t", { user: "tom", without }).start();
    await t.edit(t.Site, id, { name: "My mill" });
    await t.sent();
    await sleep(200);
    assert.equal((await t.get(t.Site, id)).name, cured ? "Mill" : "My mill");
    assert.deepEqual(t.notices.map((each) => each.kind), cured ? ["refused"] : []);
  },
);

cure(
  "oneLoop",
  ["without it, a short gap makes an edit disappear unsent", "a short gap loses nothing"],
  async ({ cured, without }) => {
    // Both answers go straight to DataStore, so that it takes both at once.
    const a = await device("a", { user: "dana", without }).start();
    await a.goOffline();
    for (const name of ["one", "two", "three"]) await a.save(a.Site, { name });
    // Both loops are answered at the same time: each takes out an entry.
    let answered = 0;
    const both = Promise.withResolvers();
    a.network.after = async (body) => {
      if (!body.includes("createSite(") || !body.includes('"one"')) return;
      answered += 1;
      if (answered === 2) both.resolve();
      await both.promise;
    };
    await a.goOnline();
    await until(() => answered === 1, "the first creation to arrive");
    a.say("offline");
    a.say("online");
    await a.sent();
    await server.settle();
    assert.equal((await server.rows("Site")).size, cured ? 3 : 2);
  },
  ["rejections", "inOrder"],
);

cure(
  "replaced",
  ["without it, nobody is told that their edit was replaced unseen", "whoever's edit was replaced unseen is told"],
  async ({ cured, without }) => {
    const { id: siteID } = await server.create("Site", { name: "Mill" });
    const { id } = await server.create("WorkOrder", { title: "Pump", status: "PLANNED", scheduledFor: NOW, siteID });
    const [a, b] = await Promise.all([device("a", { user: "dana", without }).start(), device("b", { user: "dora" }).start()]);
    await b.goOffline();
    await b.edit(b.WorkOrder, id, { description: "later" });
    await a.edit(a.WorkOrder, id, { description: "earlier" });
    await a.sent();
    await b.goOnline();
    await b.sent();
    await until(async () => (await a.get(a.WorkOrder, id)).description === "later", "the later change");
    const fields = [{ name: "description", ours: "earlier", theirs: "later" }];
    assert.deepEqual(a.notices.map((each) => [each.kind, each.fields]), cured ? [["replaced", fields]] : []);
  },
);

cure(
  "lists",
  ["without it, what both sides have of a list is there twice", "of a list that others changed, what is new is added"],
  async ({ cured, without }) => {
    const { id } = await server.create("Site", { name: "Mill", accessHints: ["ring twice"] });
    const a = await device("a", { user: "dana", without }).start();
    await a.goOffline();
    await a.edit(a.Site, id, { accessHints: ["ring twice", "gate"] });
    await server.update("Site", { id, accessHints: ["ring twice", "dog"], _version: 1 });
    await a.goOnline();
    await a.sent();
    const hints = cured ? ["ring twice", "dog", "gate"] : ["ring twice", "dog", "ring twice", "gate"];
    assert.deepEqual((await server.row("Site", id)).accessHints, hints);
    assert.deepEqual(a.notices, []);
  },
);

/** A work order with a note of a user's, whom it knows as `tom`. */
async function noted() {
  const { id: siteID } = await server.create("Site", { name: "Mill" });
  const order = await server.create("WorkOrder", { title: "Pump", status: "PLANNED", scheduledFor: NOW, siteID });
  const tom = await device("tom", { user: "tom" }).start();
  const workOrder = await tom.get(tom.WorkOrder, order.id);
  const note = await tom.save(tom.Note, { workOrder, writtenAt: NOW, text: "wet" });
  await tom.sent();
  return { tom, siteID, order, note };
}

cure(
  "parentsFirst",
  ["without it, a refused deletion destroys what belongs to the row", "a refused deletion destroys nothing"],
  async ({ cured, without }) => {
    const { tom, siteID, order, note } = await noted();
    tom.close();
    const t = await device("t", { user: "tom", without }).start();
    await t.delete(t.Site, siteID);
    await t.sent();
    assert.equal((await server.row("Note", note.id))?.text, cured ? "wet" : undefined);
    if (!cured) return;
    for (const [model, id] of [["Site", siteID], ["WorkOrder", order.id], ["Note", note.id]]) {
      await until(() => t.get(t[model], id), `the ${model} to come back`);
    }
    assert.deepEqual(t.notices.map((each) => [each.kind, each.model]), [["refused", "Site"]]);
  },
);

/** Once DataStore takes an entry out of its outbox, before it stores the answer. */
function afterDequeueing(then) {
  const { delete: original } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.delete = function (...all) {
    const request = original.apply(this, all);
    if (this.name !== "sync_MutationEvent") return request;
    IDBObjectStore.prototype.delete = original;
    then();
    return request;
  };
}

for (const [what, interrupt] of [
  ["the network fails", (a) => (a.say("offline"), a.say("online"))],
  ["the network fails and the page is closed", (a) => (a.say("offline"), a.reload())],
]) {
  cure(
    "answers",
    [`without it, an answer that is not stored because ${what} is lost`, `an answer that is not stored because ${what} comes again`],
    async ({ cured, without }) => {
      const a = await device("a", { user: "dana", without }).start();
      // It arrives; the next synchronisation has the row, which DataStore ignores, as the creation still waits.
      a.network.loseAnswers(1);
      const { id } = await a.save(a.Site, { name: "Mill" });
      const interrupted = Promise.withResolvers();
      afterDequeueing(() => interrupted.resolve(interrupt(a)));
      await interrupted.promise;
      await a.sent();
      if (cured) await until(async () => (await a.get(a.Site, id))._version === 1, "the answer");
      else await sleep(400);
      assert.equal((await a.get(a.Site, id))._version, cured ? 1 : undefined);
      if (!cured) return;
      // Nothing waits for the answer any longer, and it does not come a second time.
      await sleep(200);
      await server.update("Site", { id, phone: "+49 30 1", _version: 1 });
      await until(async () => (await a.get(a.Site, id)).phone, "the next change");
      await a.reload();
      assert.equal((await a.get(a.Site, id)).phone, "+49 30 1");
    },
  );
}
