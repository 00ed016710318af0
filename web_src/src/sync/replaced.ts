/**
 * Cure: edits that were taken and are replaced later by somebody who had not seen them.
 *
 * A handler of conflicts that lets the later change win (ours does, for most fields of a work order)
 * answers the later author, and nobody tells the earlier one. AppSync does not say of a change whether
 * its author had seen what it replaces, so every replacement is told.
 *
 * What was sent and taken is remembered per row and field, until it is replaced. When somebody else deletes the
 * row, or what it belongs to, its author is told what was in it.
 */

import type { Bases, Seen } from "./bases";
import { PARENTS } from "./family";
import { recall, retain, type Keep } from "./keep";
import { carries, written, type Notices } from "./notices";
import { isMutation, type Answer, type Ask, type Operation, type Row } from "./wire";

const KEY = "groundwork.taken";
const MOST_ROWS = 500;

interface Taken {
  readonly model: string;
  readonly version: number;
  readonly fields: Readonly<Record<string, unknown>>;
  /** What lists were before: what the author took out of them is not to come back unsaid. */
  readonly lists?: Readonly<Record<string, unknown>>;
  /** The id of what the row belongs to. */
  readonly parent?: unknown;
}

export class Replaced {
  readonly #taken: Map<string, Taken>;
  /** What this device deletes: nobody has to be told of it. */
  readonly #deleting = new Set<string>();
  /** What is deleted, as far as the page has heard: what is created below it, nobody will see. */
  readonly #dead = new Set<string>();

  constructor(
    private readonly notices: Notices,
    private readonly bases: Bases,
    private readonly keep?: Keep,
  ) {
    this.#taken = new Map(recall<[string, Taken][]>(keep, KEY, []));
  }

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      const { operation } = request;
      if (operation?.verb === "delete" && operation.input) this.#deleting.add(operation.input.id);
      const base = isMutation(operation) ? this.bases.get(operation.input.id) : undefined;
      const answer = await inner(request);
      if (isMutation(operation)) this.#answered(operation, answer, base);
      if (operation?.verb === "sync") this.#page(operation, answer);
      return answer;
    };
  };

  /** A row as the server has it. */
  seen(row: Row): void {
    if (row["_deleted"]) {
      this.#gone(row.id);
      return;
    }
    const taken = this.#taken.get(row.id);
    if (!taken || Number(row["_version"]) <= taken.version) return;
    // What the author has changed again: what comes of that is told then.
    const pending = this.bases.get(row.id) ?? {};
    const fields = Object.entries(taken.fields)
      .filter(([name, ours]) => !carries(row[name], ours, taken.lists?.[name]) && !(name in pending))
      .map(([name, ours]) => ({ name, ours, theirs: row[name] ?? null }));
    if (!fields.length) return;
    const rest = Object.entries(taken.fields).filter(([name]) => !fields.some((each) => each.name === name));
    this.#taken.delete(row.id);
    if (rest.length) this.#taken.set(row.id, { ...taken, fields: Object.fromEntries(rest) });
    this.#store();
    this.notices.add({ kind: "replaced", model: taken.model, id: row.id, fields });
  }

  /** A row was deleted, and with it what belongs to it, whether the server has done that yet or not. */
  #gone(id: string): void {
    this.#dead.add(id);
    for (const [other, { model, fields, parent }] of [...this.#taken]) {
      if (other !== id && parent !== id) continue;
      this.#taken.delete(other);
      this.#store();
      if (this.#deleting.has(id)) this.#deleting.add(other);
      else this.notices.add({ kind: "deleted-elsewhere", model, id: other, fields: written({ id: other, ...fields }, undefined) });
      if (other !== id) this.#gone(other);
    }
  }

  #answered(operation: Operation & { input: Row }, answer: Answer, base: Seen = {}): void {
    const row = answer.row(operation.field);
    if (!row) return;
    this.#forget(row.id, operation.input);
    this.seen(row);
    this.#deleting.delete(row.id);
    if (operation.verb === "delete" || row["_deleted"]) return;
    const kept = Object.entries(operation.input).filter(
      ([name, ours]) => name !== "id" && !name.startsWith("_") && ours !== null && carries(row[name], ours, base[name]),
    );
    if (!kept.length) return;
    const before = this.#taken.get(row.id);
    const fields = { ...before?.fields, ...Object.fromEntries(kept) };
    const seen = kept.filter(([name]) => Array.isArray(base[name])).map(([name]) => [name, base[name]]);
    const earlier = Object.entries(before?.lists ?? {}).filter(([name]) => !(name in operation.input));
    const lists = Object.fromEntries([...earlier, ...seen]);
    const parent = row[PARENTS.get(operation.name)?.field ?? ""];
    this.#taken.delete(row.id);
    this.#taken.set(row.id, { model: operation.name, version: Number(row["_version"]), fields, lists, parent });
    for (const id of this.#taken.keys()) {
      if (this.#taken.size <= MOST_ROWS) break;
      this.#taken.delete(id);
    }
    this.#store();
    if (this.#dead.has(String(parent))) this.#gone(row.id);
  }

  /** What we have just replaced ourselves is no news. */
  #forget(id: string, input: Row): void {
    const taken = this.#taken.get(id);
    if (!taken) return;
    const rest = Object.entries(taken.fields).filter(([name]) => !(name in input));
    if (rest.length) this.#taken.set(id, { ...taken, fields: Object.fromEntries(rest) });
    else this.#taken.delete(id);
  }

  #page(operation: Operation, answer: Answer): void {
    const page = answer.body.data?.[operation.field] as { items?: (Row | null)[] } | null | undefined;
    for (const row of page?.items ?? []) if (row) this.seen(row);
  }

  #store(): void {
    retain(this.keep, KEY, [...this.#taken]);
  }
}
