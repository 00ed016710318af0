/**
 * Any number of devices of any users, any changes, any partitions: at the end each has what its user may
 * see of what the server has, and every edit that a device took can be seen there, or was reported to its
 * author, or its author wrote over it, or deleted it.
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
/** Two of each, of whom one may be there twice. Technicians may not do half of what they try here. */
const USERS = ["dana", "dora", "tom", "tina"];
const DISPATCHERS = ["dana", "dora"];
/** By model, what a row of it belongs to. */
const PARENTS = { WorkOrder: ["Site", "siteID"], Note: ["WorkOrder", "workOrderID"] };

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
  /** What devices deleted, `{ author, id }`, each with what the device had below it. */
  deletions = [];
  #counter = 0;

  unique(prefix) {
    this.#counter += 1;
    return prefix === "phone" ? `+49 30 ${1000 + this.#counter}` : `${prefix}-${this.#counter}`;
  }

  wrote(author, model, id, field, value, seen) {
    this.edits.push({ author, model, id, field, value, seen });
  }

  removed(author, model, id, field, removed, seen) {
    this.edits.push({ author, model, id, field, removed, seen });
  }
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
  test(`seed ${seed}`, async () => {
    const history = new History();
    try {
      await run(random(seed), history);
    } catch (error) {
      throw new Error(`${error.message}\nseed ${seed}:\n${history.log.join("\n")}`, { cause: error });
    }
  });
}

async function run(dice, history) {
  const site = await server.create("Site", { name: "start", accessHints: [] });
  await server.create("WorkOrder", { title: "start", status: "PLANNED", scheduledFor: NOW, siteID: site.id });
  const devices = [];
  for (let number = 0; number < 2 + dice.below(3); number += 1) {
    const user = number === 0 ? "dana" : dice.one(USERS);
    devices.push(Object.assign(await device(`device ${number} (${user})`, { user, haste: 0.05 }).start(), { user }));
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
  const truth = await visible();
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
  else await remove(actor, model, row, history);
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
  if (LISTS.has(field) && row[field]?.length && dice.next() < 0.4) return shorten(dice, actor, model, row, field, history);
  const value = LISTS.has(field) ? [...(row[field] ?? []), history.unique(field)] : history.unique(field);
  history.log.push(`${actor.name} edits ${model} ${row.id} v${row._version} ${field}: ${JSON.stringify(value)}`);
  if (!(await taken(history, () => actor.edit(actor[model], row.id, { [field]: value })))) return;
  history.wrote(actor, model, row.id, field, LISTS.has(field) ? value.at(-1) : value, row[field]);
}

async function shorten(dice, actor, model, row, field, history) {
  const removed = dice.one(row[field]);
  const value = row[field].filter((each) => each !== removed);
  history.log.push(`${actor.name} edits ${model} ${row.id} v${row._version} ${field}: ${JSON.stringify(value)}, without ${removed}`);
  if (!(await taken(history, () => actor.edit(actor[model], row.id, { [field]: value })))) return;
  history.removed(actor, model, row.id, field, removed, row[field]);
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
  const below = await descendants(actor, model, row.id);
  await actor.delete(actor[model], row.id);
  for (const id of [row.id, ...below]) history.deletions.push({ author: actor, id, root: { model, id: row.id } });
}

async function descendants(actor, model, id) {
  if (model === "Note") return [];
  const children = model === "Site" ? "WorkOrder" : "Note";
  const ids = [];
  for (const row of (await actor.rows(actor[children])).values()) {
    if ((await row[model === "Site" ? "site" : "workOrder"])?.id === id) ids.push(row.id, ...(await descendants(actor, children, row.id)));
  }
  return ids;
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

/**
 * What the server has, without what is below something that is deleted, by a device that had not seen it:
 * `orphans`, which some devices have and some have not, and nobody is shown.
 */
async function visible() {
  const truth = { orphans: new Set() };
  for (const model of MODELS) {
    const [above, field] = PARENTS[model] ?? [];
    truth[model] = await server.rows(model);
    for (const [id, row] of truth[model]) {
      if (!above || truth[above].has(row[field])) continue;
      truth[model].delete(id);
      truth.orphans.add(id);
    }
  }
  return truth;
}

async function firstDifference(devices) {
  const truth = await visible();
  for (const each of devices) {
    const seen = { ...truth, Note: new Map([...truth.Note].filter(([, note]) => maySee(each.user, note))) };
    const here = {};
    for (const model of MODELS) {
      here[model] = await each.rows(each[model]);
      for (const id of new Set([...seen[model].keys(), ...here[model].keys()])) {
        if (truth.orphans.has(id)) continue;
        const [ours, theirs] = [picture(model, here[model].get(id)), picture(model, seen[model].get(id))];
        if (ours !== theirs) return `${each.name} has ${model} ${id} as ${ours}, the server as ${theirs}`;
      }
    }
  }
  return undefined;
}

function maySee(user, note) {
  return DISPATCHERS.includes(user) || note.owner === server.tokensOf(user).idToken.payload["cognito:username"];
}

function picture(model, row) {
  if (!row) return "nothing";
  return JSON.stringify(["_version", "status", ...FIELDS[model]].map((name) => row[name] ?? null));
}

/** In the state, reported to its author, or written over or deleted by them. */
function accounted({ author, model, id, field, value, removed }, truth, history) {
  const row = truth[model].get(id);
  const current = row?.[field];
  if (removed && row && !current?.includes(removed)) return true;
  if (!removed && (LISTS.has(field) ? current?.includes(value) : current === value)) return true;
  const said = JSON.stringify(value);
  const tells = (told) => (removed ? told.name === field : JSON.stringify(told).includes(said));
  if (author.notices.some((notice) => notice.id === id && notice.fields.some(tells))) return true;
  if (!row && history.deletions.some((each) => each.author === author && each.id === id && !truth[each.root.model].has(each.root.id))) return true;
  return history.edits.some((other) => other.author === author && other.id === id && other.field === field && replaces(other, value));
}

/** Whether an author's later edit was made over their earlier one. */
function replaces(other, value) {
  if (other.removed) return other.removed === value;
  return Array.isArray(other.seen) ? other.seen.includes(value) : other.seen === value;
}
