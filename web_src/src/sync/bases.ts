/**
 * What the user saw when they changed it. DataStore keeps the new values alone, but whether an edit
 * overwrites somebody's change or the value that its author saw is the difference between a notice
 * and none.
 *
 * Edits of one field may wait one behind the other. The value before the first counts until its answer has come,
 * then the first edit is what was seen before the second.
 */

import { recall, retain, type Keep } from "./keep";

const KEY = "groundwork.bases";

/** By field, the value before the edits that have not been answered. */
export type Seen = Readonly<Record<string, unknown>>;

interface Edited {
  readonly seen: unknown;
  /** Of the last edit. */
  readonly ours: unknown;
}
type Row = Readonly<Record<string, Edited>>;

export class Bases {
  readonly #rows: Map<string, Row>;
  /** Rows that were edited after the outbox was last empty. */
  readonly #recent = new Set<string>();

  constructor(private readonly keep?: Keep) {
    this.#rows = new Map(recall<[string, Row][]>(keep, KEY, []));
  }

  /** `row`: as its author saw it. */
  remember(id: string, row: object, changes: object): void {
    const [before, current] = [this.#rows.get(id), row as Seen];
    const edited = Object.entries(changes).map(([name, ours]): [string, Edited] => {
      const known = before?.[name];
      return [name, { seen: known ? known.seen : (current[name] ?? null), ours: ours as unknown }];
    });
    this.#rows.set(id, { ...before, ...Object.fromEntries(edited) });
    this.#recent.add(id);
    this.#store();
  }

  get(id: string): Seen | undefined {
    const row = this.#rows.get(id);
    return row && Object.fromEntries(Object.entries(row).map(([name, { seen }]) => [name, seen]));
  }

  /** What was sent of a row has been answered. */
  answered(id: string, sent: Readonly<Record<string, unknown>>): void {
    const row = this.#rows.get(id);
    if (!row) return;
    const left = Object.entries(row)
      .filter(([name, { ours }]) => !(name in sent && same(ours, sent[name])))
      .map(([name, edited]) => [name, name in sent ? { ...edited, seen: sent[name] } : edited]);
    this.#rows.set(id, Object.fromEntries(left));
    if (left.length) this.#store();
    else this.forget(id);
  }

  forget(id: string): void {
    if (this.#rows.delete(id)) this.#store();
  }

  /** Nothing waits to be sent, but for edits that may be on their way into the outbox. */
  emptied(): void {
    for (const id of this.#rows.keys()) if (!this.#recent.has(id)) this.forget(id);
    this.#recent.clear();
  }

  #store(): void {
    retain(this.keep, KEY, [...this.#rows]);
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}
