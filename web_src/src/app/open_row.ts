/**
 * A row that is open in a form, while others go on writing it.
 *
 * Its author saw what was opened. What they did not touch is not sent; of a list, what they added and took
 * away is done to the list as it is now; and before a value is written over that somebody has changed
 * since the form was opened, its author is told, and saves again if they mean it.
 *
 * The list is saved whole, for the device shows it; what of it is sent, if the server's has changed, is the
 * business of `sync/lists.ts`.
 */

import { DataStore, type PersistentModel, type PersistentModelConstructor } from "aws-amplify/datastore";

import { edit, type Client } from "../sync/client";
import { nameOf, once, shown } from "./words";

type Fields = Record<string, unknown>;

export class OpenRow<Model extends PersistentModel & { id: string }> {
  /** What the author has been told that others wrote. */
  readonly #told: Fields = {};

  constructor(
    private readonly client: Client,
    private readonly model: PersistentModelConstructor<Model>,
    readonly opened: Model,
  ) {}

  /** Values of the form; those that are as they were opened are left alone. Throws what the author has to know. */
  async save(values: Partial<Model>): Promise<void> {
    const now = await DataStore.query(this.model, this.opened.id as never);
    if (!now) throw new Error("Somebody has deleted this meanwhile.");
    const [before, current] = [this.opened as Fields, now as Fields];
    const news: string[] = [];
    const changes: Fields = {};
    for (const [name, ours] of Object.entries(values as Fields)) {
      const [opened, theirs] = [before[name], current[name]];
      if (same(opened, ours) || same(theirs, ours)) continue;
      if (Array.isArray(ours)) {
        if (!same(once(opened as string[]), ours)) changes[name] = joined(opened, ours, theirs);
        continue;
      }
      changes[name] = isObject(ours) ? { ...(theirs as object), ...differing(opened, ours) } : ours;
      const clash = isObject(ours) ? overlap(opened, ours, theirs) : !same(opened, theirs);
      if (!clash || same(this.#told[name], theirs)) continue;
      this.#told[name] = theirs;
      news.push(`${nameOf(name)} is now “${shown(theirs)}”`);
    }
    if (news.length) throw new Error(`Somebody has changed this meanwhile: ${news.join("; ")}. Save again to write yours over it.`);
    if (Object.keys(changes).length) await edit(this.client, this.model, now, changes as Partial<Model>);
  }
}

/** The list as it is now, with what the author added, without what they took away. */
function joined(before: unknown, ours: readonly string[], current: unknown): string[] {
  const [opened, theirs] = [once(before as string[] | null), once(current as string[] | null)];
  const removed = opened.filter((each) => !ours.includes(each));
  const added = ours.filter((each) => !opened.includes(each));
  return once([...theirs.filter((each) => !removed.includes(each)), ...added]);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(plain(one)) === JSON.stringify(plain(other));
}

/** Nothing, an empty list and null are the same to who reads them; so are members that are null. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.length ? value : null;
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return members.length ? Object.fromEntries(members.toSorted(([one], [other]) => one.localeCompare(other))) : null;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function differing(before: unknown, ours: Fields): Fields {
  return Object.fromEntries(Object.entries(ours).filter(([name, each]) => !same((before as Fields | null)?.[name], each)));
}

/** Whether both have changed the same member, and not to the same. */
function overlap(before: unknown, ours: Fields, current: unknown): boolean {
  const [opened, theirs] = [(before ?? {}) as Fields, (current ?? {}) as Fields];
  return Object.keys(differing(before, ours)).some((name) => !same(opened[name], theirs[name]) && !same(theirs[name], ours[name]));
}
