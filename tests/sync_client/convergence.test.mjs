/**
 * Any number of devices, any changes, any partitions: at the end all have what the server has, and
 * every edit that a device took is in there, or was reported to its author, or its author wrote
 * over it, or the row is deleted.
 *
 * SEEDS=200 FIRST_SEED=1 node --test ...; a seed that fails is printed with all that happened.
 */

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { sleep, until } from "../../web_src/node/device.mjs";
import * as server from "./server.mjs";
import { device } from "./server.mjs";

beforeEach(server.wipe);
afterEach(server.closeAll);
after(() => server.control("reset"));

const SEEDS = Number(process.env.SEEDS ?? 12);
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1);
const OPERATIONS = 24;
const NOW = "2026-12-01T09:00:00.000Z";
const MODELS = ["Site", "WorkOrder", "Note"];
/** One user for all, as a note is seen by its author alone and changed by nobody else. */
const USER = "dana";

/** Mulberry32: small, and the same everywhere. */
function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (limit) => Math.floor(next() * limit), one: (list) => list[Math.floor(next() * list.length)] };
}

/** What each edit wrote is unique, so that it can be found again. */
class History {
  edits = [];
  log = [];
  deleted = new Set();
  #counter = 0;

  unique(prefix) {
    this.#counter += 1;
    return prefix === "phone" ? `+49 30 ${1000 + this.#counter}` : `${prefix}-${this.#counter}`;
  }

  wrote(author, model, id, field, value, seen) {
    this.edits.push({ author, model, id, field, value, seen });
  }
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
  test(`seed ${seed}`, async () => {
    const history = new History();
    try {
      await run(random(seed), history);
    } catch (error) {
      error.message += `\nseed ${seed}:\n${history.log.join("\n")}`;
      throw error;
    }
  });
}

async function run(dice, history) {
  const site = await server.create("Site", { name: "start", accessHints: [] });
  await server.create("WorkOrder", { title: "start", status: "PLANNED", scheduledFor: NOW, siteID: site.id });
  const devices = [];
  for (let number = 0; number < 2 + dice.below(3); number += 1) {
    devices.push(await device(`device ${number}`, { user: USER, haste: 0.05 }).start());
  }
  for (let step = 0; step < OPERATIONS; step += 1) {
    const actor = dice.one(devices);
    if (dice.next() < 0.3) await disturb(dice, actor, history);
    else await change(dice, actor, history);
    if (dice.next() < 0.3) await sleep(dice.below(40));
  }
  for (const each of devices) await heal(each);
  for (const each of devices) await each.sent();
  await converged(devices);
  const truth = Object.fromEntries(await Promise.all(MODELS.map(async (model) => [model, await server.rows(model)])));
  for (const each of history.edits) if (!accounted(each, truth, history)) assert.fail(described(each, truth));
}

function described({ author, ...edit }, truth) {
  const notices = author.notices.filter((notice) => notice.id === edit.id);
  return `${author.name} lost ${JSON.stringify(edit)}; the server has ${JSON.stringify(truth[edit.model].get(edit.id))}; notices: ${JSON.stringify(notices)}`;
}

// What devices do

async function change(dice, actor, history) {
  const model = dice.one(MODELS);
  const rows = [...(await actor.rows(actor[model])).values()];
  const row = rows.length ? dice.one(rows) : undefined;
  const kind = dice.next();
  if (!row || kind < 0.25) await create(dice, actor, model, history);
  else if (kind < 0.85) await edit(dice, actor, model, row, history);
  else if (model !== "Site") await remove(actor, model, row, history);
}

async function create(dice, actor, model, history) {
  const parents = model === "Site" ? [] : [...(await actor.rows(actor[model === "Note" ? "WorkOrder" : "Site"])).values()];
  if (model !== "Site" && !parents.length) return;
  const field = TEXT[model];
  const value = history.unique(field);
  const values = {
    Site: { name: value },
    WorkOrder: { title: value, status: "PLANNED", scheduledFor: NOW, site: dice.one(parents) },
    Note: { text: value, writtenAt: NOW, workOrder: dice.one(parents) },
  }[model];
  const row = await taken(history, () => actor.save(actor[model], values));
  if (!row) return;
  history.log.push(`${actor.name} creates ${model} ${row.id} ${value}`);
  history.wrote(actor, model, row.id, field, value, undefined);
}

async function edit(dice, actor, model, row, history) {
  const field = dice.one(FIELDS[model]);
  const value = LISTS.has(field) ? [...(row[field] ?? []), history.unique(field)] : history.unique(field);
  history.log.push(`${actor.name} edits ${model} ${row.id} v${row._version} ${field}: ${JSON.stringify(value)}`);
  if (!(await taken(history, () => actor.edit(actor[model], row.id, { [field]: value })))) return;
  history.wrote(actor, model, row.id, field, LISTS.has(field) ? value.at(-1) : value, row[field]);
}

/** What a device takes. It refuses what has gone while its user looked, or whose parent has. */
async function taken(history, write) {
  try {
    return await write();
  } catch (error) {
    if (!/has no|Data integrity error/.test(error.message)) throw error;
    history.log.push("  which, or whose parent, has gone");
    return undefined;
  }
}

async function remove(actor, model, row, history) {
  history.log.push(`${actor.name} deletes ${model} ${row.id} v${row._version}`);
  if (!(await actor.get(actor[model], row.id))) return;
  await actor.delete(actor[model], row.id);
  history.deleted.add(row.id);
}

async function disturb(dice, actor, history) {
  const kind = dice.one(["offline", "online", "fail", "recover", "reload", "lose"]);
  history.log.push(`${actor.name}: ${kind}`);
  if (kind === "offline" && actor.network.up) await actor.goOffline();
  if (kind === "online" || kind === "recover") await heal(actor);
  if (kind === "fail" && actor.network.browserSaysOnline) actor.network.fail();
  if (kind === "lose") actor.network.loseAnswers(1);
  if (kind === "reload" && (actor.network.up || !actor.network.browserSaysOnline)) await actor.reload();
}

async function heal(actor) {
  actor.network.loseAnswers(0);
  if (!actor.network.browserSaysOnline) await actor.goOnline();
  else if (!actor.network.up) actor.network.recover();
}

const TEXT = { Site: "name", WorkOrder: "title", Note: "text" };
const FIELDS = {
  Site: ["name", "phone", "accessHints"],
  WorkOrder: ["title", "description", "assignee", "tags"],
  Note: ["text"],
};
const LISTS = new Set(["accessHints", "tags"]);

// What has to be true at the end

async function converged(devices) {
  let difference = "nothing was compared";
  await until(
    async () => {
      difference = await firstDifference(devices);
      return difference === undefined;
    },
    "all to be alike",
    { seconds: 15 },
  ).catch(async (error) => {
    const orders = JSON.stringify([...(await server.rows("WorkOrder")).values()]);
    const notices = devices.map((each) => `${each.name}: ${JSON.stringify(each.notices)}`).join("\n");
    throw new Error(`${error.message}: ${difference}\n${orders}\n${notices}`);
  });
}

async function firstDifference(devices) {
  const orders = await server.rows("WorkOrder");
  for (const model of MODELS) {
    const truth = await server.rows(model);
    for (const each of devices) {
      const rows = await each.rows(each[model]);
      for (const id of new Set([...truth.keys(), ...rows.keys()])) {
        // A device forgets the notes of a work order that is deleted; the server keeps them.
        if (model === "Note" && truth.has(id) && !orders.has(truth.get(id).workOrderID)) continue;
        const [here, there] = [picture(model, rows.get(id)), picture(model, truth.get(id))];
        if (here !== there) return `${each.name} has ${model} ${id} as ${here}, the server as ${there}`;
      }
    }
  }
  return undefined;
}

function picture(model, row) {
  if (!row) return "nothing";
  return JSON.stringify(["_version", "status", ...FIELDS[model]].map((name) => row[name] ?? null));
}

/** In the state, reported to its author, deleted by somebody, or replaced by a later edit. */
function accounted({ author, model, id, field, value }, truth, history) {
  const row = truth[model].get(id);
  const current = row?.[field];
  if (LISTS.has(field) ? current?.includes(value) : current === value) return true;
  if (author.notices.some((notice) => notice.id === id && JSON.stringify(notice.fields).includes(JSON.stringify(value)))) return true;
  // A deletion takes the author's own unsent edits with it, also when it is refused.
  if (author.notices.some((notice) => notice.id === id && notice.kind === "not-deleted")) return true;
  // Deleting a work order deletes its notes on the device that does it.
  if (!row && (history.deleted.has(id) || (model === "Note" && history.deleted.size))) return true;
  return history.edits.some((other) => other.author === author && other.id === id && other.field === field && replaces(other, value));
}

/** Whether an author's later edit was made over their earlier one. */
function replaces(other, value) {
  return Array.isArray(other.seen) ? other.seen.includes(value) : other.seen === value;
}
