/** What a user has to be told of their edits: nothing disappears without a word. */

import { recall, retain, type Keep } from "./keep";
import type { Row } from "./wire";

export type NoticeKind =
  /** The server, or somebody's later change, kept another value. */
  | "theirs-kept"
  /** Ours was written over a change that somebody else had made. */
  | "ours-kept"
  /** Somebody else deleted what we changed. */
  | "deleted-elsewhere"
  /** We deleted what somebody else has changed; it is still there. */
  | "not-deleted"
  /** Ours was taken, and somebody has written something else since. */
  | "replaced"
  /** The API will not have it, whoever else changed what. */
  | "refused";

export interface NoticeField {
  readonly name: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

export interface Notice {
  readonly number: number;
  readonly at: string;
  readonly kind: NoticeKind;
  readonly model: string;
  readonly id: string;
  readonly fields: readonly NoticeField[];
  readonly reason?: string;
}

const KEY = "groundwork.notices";
const MOST = 100;

export class Notices {
  #all: Notice[];
  readonly #listeners = new Set<(all: readonly Notice[]) => void>();

  constructor(private readonly keep?: Keep) {
    this.#all = recall<Notice[]>(keep, KEY, []);
  }

  get all(): readonly Notice[] {
    return this.#all;
  }

  onChange(listener: (all: readonly Notice[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(notice: Omit<Notice, "number" | "at">): void {
    const number = (this.#all.at(-1)?.number ?? 0) + 1;
    this.#become([...this.#all, { ...notice, number, at: new Date().toISOString() }].slice(-MOST));
  }

  dismiss(number: number): void {
    this.#become(this.#all.filter((each) => each.number !== number));
  }

  #become(all: Notice[]): void {
    this.#all = all;
    retain(this.keep, KEY, all);
    for (const listener of this.#listeners) listener(all);
  }
}

const OWN = new Set(["id", "_version", "_deleted", "_lastChangedAt", "createdAt", "updatedAt"]);

/**
 * The fields of an edit that an item does not carry. `base`: what the author saw before the edit, without
 * which nobody can tell what they took out of a list.
 */
export function differences(edit: Row, item: Row, base: Readonly<Record<string, unknown>> = {}): NoticeField[] {
  return written(edit, item).filter(({ name, ours }) => !carries(item[name], ours, base[name]));
}

/** Whether a value says what an edit of `base` to `ours` does; a list may hold more, if `ours` has not taken it out. */
export function carries(value: unknown, ours: unknown, base: unknown): boolean {
  const taken = Array.isArray(ours) ? removed(ours, base) : [];
  return contains(value, ours) && !taken.some((each) => Array.isArray(value) && value.includes(each));
}

/** What an edit took out of a list. */
function removed(ours: readonly unknown[], base: unknown): readonly unknown[] {
  return Array.isArray(base) ? base.filter((each) => !ours.includes(each)) : [];
}

/** All that an edit wrote, beside what there is. */
export function written(edit: Row, item: Row | undefined): NoticeField[] {
  return Object.entries(edit)
    .filter(([name]) => !OWN.has(name))
    .map(([name, ours]) => ({ name, ours, theirs: item?.[name] ?? null }));
}

/**
 * Whether a value says what was sent. A list may hold more, as AUTOMERGE joins lists and sets, and a
 * nested object too.
 */
export function contains(value: unknown, sent: unknown): boolean {
  if (sent === null || sent === undefined) return value === null || value === undefined;
  if (Array.isArray(sent)) {
    return Array.isArray(value) && sent.every((each) => value.some((other) => contains(other, each)));
  }
  if (typeof sent === "object") {
    if (typeof value !== "object" || value === null) return false;
    const held = value as Record<string, unknown>;
    return Object.entries(sent).every(([name, each]) => contains(held[name], each));
  }
  return value === sent;
}
