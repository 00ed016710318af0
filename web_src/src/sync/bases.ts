/**
 * What the user saw when they changed it. DataStore keeps the new values alone, but whether an edit
 * overwrites somebody's change or the value that its author saw is the difference between a notice
 * and none.
 */

import type { Keep } from "./notices";

const KEY = "groundwork.bases";
type Seen = Readonly<Record<string, unknown>>;

export class Bases {
  readonly #seen: Map<string, Seen>;

  constructor(private readonly keep?: Keep) {
    let entries: [string, Seen][] = [];
    try {
      entries = JSON.parse(keep?.getItem(KEY) ?? "[]") as [string, Seen][];
    } catch {
      entries = [];
    }
    this.#seen = new Map(entries);
  }

  /** The first edit counts: later ones go out together with it. */
  remember(id: string, seen: Seen): void {
    this.#seen.set(id, { ...seen, ...this.#seen.get(id) });
    this.#store();
  }

  get(id: string): Seen | undefined {
    return this.#seen.get(id);
  }

  forget(id: string): void {
    if (this.#seen.delete(id)) this.#store();
  }

  #store(): void {
    try {
      this.keep?.setItem(KEY, JSON.stringify([...this.#seen]));
    } catch {
      // A full store costs a notice too many, nothing else.
    }
  }
}
