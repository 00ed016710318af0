/** What happens when two have changed the same row, by the strategy of its model. */

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { until } from "../../web_src/node/device.mjs";
import * as server from "./server.mjs";
import { device } from "./server.mjs";

beforeEach(server.wipe);
afterEach(server.closeAll);
after(() => server.control("reset"));

const NOW = "2026-12-01T09:00:00.000Z";

/** A row that the device changes offline, once or more often, while somebody else changes it too. */
async function collision(model, row, { ours, theirs, user = "dana" }) {
  const made = await row();
  const a = await device("a", { user }).start();
  const b = await device("b", { user }).start();
  await a.goOffline();
  for (const each of ours ? [ours].flat() : []) await a.edit(a[model], made.id, each);
  if (!ours) await a.delete(a[model], made.id);
  if (theirs) await b.edit(b[model], made.id, theirs);
  else await b.delete(b[model], made.id);
  await b.sent();
  await a.goOnline();
  await a.sent();
  const end = await server.row(model, made.id);
  for (const each of [a, b]) {
    await until(async () => (await each.get(each[model], made.id))?._version === end?._version, `${each.name} to agree`);
  }
  return { a, b, end, kinds: a.notices.map((notice) => notice.kind), notice: a.notices[0] };
}

const site = (more = {}) => () => server.create("Site", { name: "Mill", ...more });

async function order(more = {}) {
  const { id: siteID } = await site()();
  return server.create("WorkOrder", { title: "Pump", status: "PLANNED", scheduledFor: NOW, siteID, ...more });
}

/** Written by its author on another device, so that it has an owner. */
async function note(more = {}) {
  const { id } = await order();
  const writer = await device("writer", { user: "tom" }).start();
  const workOrder = await writer.get(writer.WorkOrder, id);
  const made = await writer.save(writer.Note, { workOrder, writtenAt: NOW, text: "wet", ...more });
  await writer.sent();
  writer.close();
  return made;
}

// AUTOMERGE

test("AUTOMERGE: a value that is there stays, even if they changed another field, and we are told of ours", async () => {
  const { end, kinds } = await collision("Site", site(), { ours: { name: "Old mill" }, theirs: { phone: "+49 30 1" } });
  assert.deepEqual([end.name, end.phone, kinds], ["Mill", "+49 30 1", ["theirs-kept"]]);
});

test("AUTOMERGE: a field that was empty takes our value beside theirs", async () => {
  const { end, kinds } = await collision("Site", site(), { ours: { phone: "+49 30 1" }, theirs: { name: "Old mill" } });
  assert.deepEqual([end.name, end.phone, kinds], ["Old mill", "+49 30 1", []]);
});

test("AUTOMERGE: of two values the server's stays, and we are told of ours", async () => {
  const { end, kinds, notice } = await collision("Site", site(), { ours: { name: "Ours" }, theirs: { name: "Theirs" } });
  assert.equal(end.name, "Theirs");
  assert.deepEqual(kinds, ["theirs-kept"]);
  assert.deepEqual(notice.fields, [{ name: "name", ours: "Ours", theirs: "Theirs" }]);
});

test("AUTOMERGE: lists are joined", async () => {
  const { end, kinds } = await collision("Site", site(), { ours: { accessHints: ["gate"] }, theirs: { accessHints: ["dog"] } });
  assert.deepEqual([end.accessHints, kinds], [["dog", "gate"], []]);
});

test("AUTOMERGE: what they took out of a list does not come back with ours", async () => {
  const { end } = await collision("Site", site({ accessHints: ["ring twice"] }), {
    ours: { accessHints: ["ring twice", "gate"] },
    theirs: { accessHints: ["dog"] },
  });
  assert.deepEqual(end.accessHints, ["dog", "gate"]);
});

test("AUTOMERGE: what we took out of a list comes back if they changed anything, and we are told", async () => {
  const { end, kinds, notice } = await collision("Site", site({ accessHints: ["ring twice"] }), {
    ours: { accessHints: ["gate"] },
    theirs: { phone: "+49 30 1" },
  });
  assert.deepEqual([end.accessHints, kinds], [["ring twice", "gate"], ["theirs-kept"]]);
  assert.deepEqual(notice.fields, [{ name: "accessHints", ours: ["gate"], theirs: ["ring twice", "gate"] }]);
});

// LAMBDA

test("LAMBDA: the status only moves forward, and we are told that ours did not", async () => {
  const { end, kinds, notice } = await collision("WorkOrder", order, { ours: { status: "IN_PROGRESS" }, theirs: { status: "DONE" } });
  assert.equal(end.status, "DONE");
  assert.deepEqual(kinds, ["theirs-kept"]);
  assert.deepEqual(notice.fields, [{ name: "status", ours: "IN_PROGRESS", theirs: "DONE" }]);
});

test("LAMBDA: tags are a set, and other fields are the later change's", async () => {
  const { end, kinds } = await collision("WorkOrder", () => order({ tags: ["pump"] }), {
    ours: { tags: ["pump", "urgent"], description: "leaks" },
    theirs: { tags: ["pump", "warranty"], priority: 1 },
  });
  assert.deepEqual(end.tags.toSorted(), ["pump", "urgent", "warranty"]);
  assert.deepEqual([end.description, end.priority, kinds], ["leaks", 1, []]);
});

test("LAMBDA: a tag that we took away is there again if they changed anything, and we are told", async () => {
  const { end, kinds } = await collision("WorkOrder", () => order({ tags: ["pump", "wrong"] }), { ours: { tags: [] }, theirs: { priority: 1 } });
  assert.deepEqual([end.tags, end.priority, kinds], [["pump", "wrong"], 1, ["theirs-kept"]]);
});

test("LAMBDA: a tag that we had taken away, and that a late change brings back, is told to us", async () => {
  const { id } = await order({ tags: ["pump", "wrong"] });
  const [a, b] = await Promise.all([device("a", { user: "dana" }).start(), device("b", { user: "dora" }).start()]);
  await b.goOffline();
  await b.edit(b.WorkOrder, id, { tags: ["pump", "wrong", "urgent"] });
  await a.edit(a.WorkOrder, id, { tags: ["pump"] });
  await a.sent();
  await b.goOnline();
  await b.sent();
  await until(() => a.notices.length, "the author to be told");
  const fields = [{ name: "tags", ours: ["pump"], theirs: ["pump", "wrong", "urgent"] }];
  assert.deepEqual(a.notices.map((each) => [each.kind, each.fields]), [["replaced", fields]]);
});

test("LAMBDA: work that has begun is not deleted, comes back, and we are told", async () => {
  const { end, kinds } = await collision("WorkOrder", order, { ours: null, theirs: { status: "IN_PROGRESS" } });
  assert.equal(end.status, "IN_PROGRESS");
  assert.deepEqual(kinds, ["not-deleted"]);
});

test("LAMBDA: work that has not begun is deleted whatever else was changed", async () => {
  const { end, kinds } = await collision("WorkOrder", order, { ours: null, theirs: { priority: 3 } });
  assert.deepEqual([end, kinds], [undefined, []]);
});

test("LAMBDA: what was deleted stays deleted, and we are told what we had written", async () => {
  const { end, kinds, notice } = await collision("WorkOrder", order, { ours: { description: "leaks" }, theirs: null });
  assert.deepEqual([end, kinds], [undefined, ["deleted-elsewhere"]]);
  assert.equal(notice.fields.find((each) => each.name === "description").ours, "leaks");
});

test("LAMBDA: work that has begun keeps its notes, and what we had not sent of ours is told to us", async () => {
  const made = await order();
  const [tom, a] = [await device("tom", { user: "tom" }).start(), await device("a", { user: "dana" }).start()];
  const workOrder = await tom.get(tom.WorkOrder, made.id);
  const theirs = await tom.save(tom.Note, { workOrder, writtenAt: NOW, text: "wet" });
  const ours = await a.save(a.Note, { workOrder: await a.get(a.WorkOrder, made.id), writtenAt: NOW, text: "call first" });
  await until(() => a.get(a.Note, theirs.id), "the note");
  await a.sent();
  await a.goOffline();
  await a.edit(a.Note, ours.id, { text: "call twice" });
  const unsent = await a.save(a.Note, { workOrder: await a.get(a.WorkOrder, made.id), writtenAt: NOW, text: "unsent" });
  await a.delete(a.WorkOrder, made.id);
  await tom.edit(tom.WorkOrder, made.id, { status: "IN_PROGRESS" });
  await tom.sent();
  await a.goOnline();
  await a.sent();
  assert.deepEqual([...(await server.rows("Note")).values()].map((each) => each.text).toSorted(), ["call first", "wet"]);
  for (const [model, id] of [["WorkOrder", made.id], ["Note", theirs.id], ["Note", ours.id]]) {
    await until(() => a.get(a[model], id), `the ${model} to come back`);
  }
  const told = a.notices.map(({ kind, id, fields }) => [kind, id, fields.find(({ name }) => name === "text")?.ours]);
  assert.deepEqual(told, [["not-deleted", made.id, undefined], ["refused", unsent.id, "unsent"], ["refused", ours.id, "call twice"]]);
  assert.deepEqual(tom.notices, []);
});

test("LAMBDA: of what we deleted ourselves before it was sent, nothing is kept and nothing told", async () => {
  const made = await order();
  const a = await device("a", { user: "dana" }).start();
  const workOrder = await a.get(a.WorkOrder, made.id);
  await a.goOffline();
  const mistake = await a.save(a.Note, { workOrder, writtenAt: NOW, text: "mistake" });
  await a.edit(a.Note, mistake.id, { text: "a mistake" });
  await a.delete(a.Note, mistake.id);
  const unsent = await a.save(a.Note, { workOrder, writtenAt: NOW, text: "unsent" });
  await a.edit(a.Note, unsent.id, { text: "not sent" });
  await a.delete(a.WorkOrder, made.id);
  await server.update("WorkOrder", { id: made.id, status: "IN_PROGRESS", _version: 1 });
  await a.goOnline();
  await a.sent();
  await until(() => a.get(a.WorkOrder, made.id), "the work order to come back");
  assert.deepEqual(a.notices.map(({ kind, id }) => [kind, id]), [["not-deleted", made.id], ["refused", unsent.id]]);
  assert.equal(a.notices[1].fields.find(({ name }) => name === "text").ours, "not sent");
  await server.settle();
  assert.deepEqual(a.remembered, { deletions: { kept: [], unsent: [] }, bases: [] });
});

test("of a row and what belongs to it, none ever sent, nothing is left when it is deleted", async () => {
  const a = await device("a", { user: "dana" }).start();
  await a.goOffline();
  const site = await a.save(a.Site, { name: "Mill" });
  await a.edit(a.Site, site.id, { name: "Old mill" });
  const workOrder = await a.save(a.WorkOrder, { title: "Pump", status: "PLANNED", scheduledFor: NOW, site });
  const note = await a.save(a.Note, { workOrder, writtenAt: NOW, text: "wet" });
  await a.edit(a.Note, note.id, { text: "dry" });
  await a.delete(a.Site, site.id);
  await server.settle();
  assert.deepEqual(a.remembered, { deletions: { kept: [], unsent: [] }, bases: [] });
});

test("what was seen before an edit that changed nothing is forgotten once nothing waits, and not sooner", async () => {
  const { id } = await site()();
  const a = await device("a", { user: "dana" }).start();
  a.client.bases.remember(id, { name: "Mill" }, { name: "Mill" });
  const waiting = await a.save(a.Site, { name: "Barn" });
  await a.sent();
  await until(async () => (await a.get(a.Site, waiting.id))._version, "the first answer");
  assert.deepEqual(a.client.bases.get(id)?.name, "Mill");
  await a.edit(a.Site, waiting.id, { name: "Old barn" });
  await a.sent();
  await until(() => !a.client.bases.get(id), "nothing to be left");
  assert.deepEqual(a.remembered, { deletions: { kept: [], unsent: [] }, bases: [] });
});

for (const reloaded of [false, true]) {
  test(`a note whose deletion comes behind the refused one of its work order is kept${reloaded ? ", after a reload too" : ""}`, async () => {
    const made = await order();
    const a = await device("a", { user: "dana" }).start();
    const { id } = await a.save(a.Note, { workOrder: await a.get(a.WorkOrder, made.id), writtenAt: NOW, text: "wet" });
    await a.sent();
    await until(async () => (await a.get(a.Note, id))._version, "the answer");
    const [arrived, deleted] = [Promise.withResolvers(), Promise.withResolvers()];
    a.network.after = async (body) => {
      if (!body.includes("updateNote(")) return;
      arrived.resolve();
      await deleted.promise;
    };
    await a.edit(a.Note, id, { text: "dry" });
    await arrived.promise;
    await a.delete(a.WorkOrder, made.id);
    await server.update("WorkOrder", { id: made.id, status: "IN_PROGRESS", _version: 1 });
    // With the answer DataStore puts the deletion of the note behind that of the work order.
    let sent = false;
    a.network.before = async (body) => {
      sent ||= body.includes("deleteNote(");
      if (reloaded && a.client.notices.all.length) a.network.fail();
    };
    deleted.resolve();
    if (reloaded) {
      await until(async () => (await a.client.waiting()).map((each) => each.model).join() === "Note", "the note's deletion alone to wait");
      a.network.before = async () => {};
      a.network.recover();
      await a.reload();
    }
    await a.sent();
    await until(() => a.get(a.Note, id), "the note to come back");
    assert.deepEqual([(await server.row("Note", id))?.text, sent], ["dry", false]);
    assert.deepEqual(a.notices.map(({ kind, model }) => [kind, model]), [["not-deleted", "WorkOrder"]]);
  });
}

test("a note that came back with its work order is deleted later, whatever the clock was", async () => {
  const made = await order();
  const a = device("a", { user: "dana" });
  a.ahead = 86_400_000;
  await a.start();
  const { id } = await a.save(a.Note, { workOrder: await a.get(a.WorkOrder, made.id), writtenAt: NOW, text: "wet" });
  await a.sent();
  await a.goOffline();
  await a.delete(a.WorkOrder, made.id);
  await server.update("WorkOrder", { id: made.id, status: "IN_PROGRESS", _version: 1 });
  await a.goOnline();
  await a.sent();
  await until(() => a.get(a.Note, id), "the note to come back");
  a.ahead = 0;
  await a.reload();
  await a.delete(a.Note, id);
  await a.sent();
  assert.deepEqual([await server.row("Note", id), await a.get(a.Note, id)], [undefined, undefined]);
  assert.deepEqual(a.notices.map(({ kind, model }) => [kind, model]), [["not-deleted", "WorkOrder"]]);
});

test("who deletes a work order deletes its notes, whose authors are told", async () => {
  const made = await order();
  const [tom, tina, a] = await Promise.all(["tom", "tina", "dana"].map((user) => device(user, { user }).start()));
  const write = async (who, text) => who.save(who.Note, { workOrder: await who.get(who.WorkOrder, made.id), writtenAt: NOW, text });
  const note = await write(tom, "wet");
  await until(() => a.get(a.Note, note.id), "the note");
  await a.edit(a.WorkOrder, made.id, { description: "leaks" });
  await a.sent();
  await tina.goOffline();
  const late = await write(tina, "dry");
  await a.delete(a.WorkOrder, made.id);
  await a.sent();
  assert.equal((await server.rows("Note")).size, 0);
  await tina.goOnline();
  await tina.sent();
  for (const [who, id, text] of [[tom, note.id, "wet"], [tina, late.id, "dry"]]) {
    await until(() => who.notices.length, `${who.name} to be told`);
    const [notice, ...more] = who.notices;
    assert.deepEqual([notice.kind, notice.id, notice.fields.find(({ name }) => name === "text").ours, more], ["deleted-elsewhere", id, text, []]);
  }
  assert.deepEqual(a.notices, []);
});

// OPTIMISTIC_CONCURRENCY

test("OPTIMISTIC_CONCURRENCY: the author's last edit is kept, and they are shown their other one", async () => {
  const { end, kinds, notice } = await collision("Note", note, { user: "tom", ours: { text: "ours" }, theirs: { text: "theirs" } });
  assert.equal(end.text, "ours");
  assert.deepEqual(kinds, ["ours-kept"]);
  assert.deepEqual(notice.fields, [{ name: "text", ours: "ours", theirs: "theirs" }]);
});

test("OPTIMISTIC_CONCURRENCY: changes of different fields are both kept, and nobody is bothered", async () => {
  const photo = { key: "photos/1", contentType: "image/jpeg" };
  const { end, kinds } = await collision("Note", note, { user: "tom", ours: [{ text: "first" }, { text: "ours" }], theirs: { photo } });
  assert.deepEqual([end.text, end.photo.key, kinds], ["ours", "photos/1", []]);
});

test("OPTIMISTIC_CONCURRENCY: a field that we emptied is empty", async () => {
  const photo = { key: "photos/1", contentType: "image/jpeg" };
  const { end, kinds } = await collision("Note", () => note({ photo }), { user: "tom", ours: { photo: null }, theirs: { text: "theirs" } });
  assert.deepEqual([end.text, end.photo, kinds], ["theirs", null, []]);
});

test("OPTIMISTIC_CONCURRENCY: our edit of what was deleted is told to us with what we wrote", async () => {
  const { end, kinds, notice } = await collision("Note", note, { user: "tom", ours: { text: "ours" }, theirs: null });
  assert.deepEqual([end, kinds], [undefined, ["deleted-elsewhere"]]);
  assert.equal(notice.fields.find((each) => each.name === "text").ours, "ours");
});

test("OPTIMISTIC_CONCURRENCY: what was changed elsewhere is not deleted unseen", async () => {
  const { end, kinds } = await collision("Note", note, { user: "tom", ours: null, theirs: { text: "theirs" } });
  assert.deepEqual([end.text, kinds], ["theirs", ["not-deleted"]]);
});

test("an edit that waited behind one of a row deleted elsewhere does not bring the row back", async () => {
  const { id } = await order();
  const [a, b] = [await device("a", { user: "dana" }).start(), await device("b", { user: "dora" }).start()];
  a.network.loseAnswers(1);
  await a.edit(a.WorkOrder, id, { description: "leaks" });
  await until(async () => (await server.row("WorkOrder", id)).description === "leaks", "the edit to arrive");
  await a.edit(a.WorkOrder, id, { assignee: "Tom" });
  await until(async () => (await b.get(b.WorkOrder, id)).description === "leaks", "the other device to see it");
  await b.delete(b.WorkOrder, id);
  await b.sent();
  await a.sent();
  await until(async () => !(await a.get(a.WorkOrder, id)), "the row to go");
  assert.equal(await server.row("WorkOrder", id), undefined);
  assert.ok(a.notices.some((each) => each.kind === "deleted-elsewhere" && each.fields.some((field) => field.ours === "Tom")));
});
