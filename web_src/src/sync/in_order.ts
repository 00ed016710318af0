/**
 * Cure: what others write while an edit of ours is on its way.
 *
 * DataStore ignores what subscriptions push for a row that has an entry in the outbox, and replaces
 * the row by whatever arrives last, whatever its version. So version 3, pushed while the answer with
 * our version 2 is on its way, is thrown away, and the row stays at 2; and a page that was read
 * before an edit and arrives after it takes the edit back. Both last until the next synchronisation.
 *
 * Here pushes for a row wait until DataStore has stored the answer, and nothing older than what was
 * handed to DataStore is handed to it.
 */

import { Answer, rowOf, type Ask, type Operation, type Row } from "./wire";
import type { SocketMessage } from "./socket";

export class InOrder {
  readonly #underWay = new Set<string>();
  readonly #held = new Map<string, (() => void)[]>();
  readonly #versions = new Map<string, number>();

  /** `seen` is told of every row that is pushed to DataStore. */
  constructor(private readonly seen: (row: Row) => void) {}

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      const { operation } = request;
      const id = rowOf(operation);
      if (operation?.verb === "sync") return this.#page(operation, await inner(request));
      if (!operation || !id) return inner(request);
      this.#underWay.add(id);
      try {
        const answer = await inner(request);
        const row = answer.row(operation.field);
        if (row) this.#hand(row);
        if (!row) this.stored(id);
        return answer;
      } catch (error) {
        this.stored(id);
        throw error;
      }
    };
  };

  /** A message of the socket; `deliver` hands it to DataStore. */
  received(message: SocketMessage, deliver: () => void): void {
    const row = pushed(message);
    if (!row) {
      deliver();
    } else if (this.#underWay.has(row.id)) {
      const held = this.#held.get(row.id) ?? [];
      this.#held.set(row.id, [...held, () => this.received(message, deliver)]);
    } else if (!this.#isOld(row)) {
      this.#hand(row);
      this.seen(row);
      deliver();
    }
  }

  /** DataStore has stored the answer to the edit of a row, or there is nothing to store. */
  stored(id: string): void {
    this.#underWay.delete(id);
    const held = this.#held.get(id) ?? [];
    this.#held.delete(id);
    for (const deliver of held) deliver();
  }

  /** DataStore has stopped: it stores no answer any more. */
  stopped(): void {
    for (const id of this.#underWay) this.stored(id);
  }

  #page(operation: Operation, answer: Answer): Answer {
    if (this.#versions.size === 0) return answer;
    const page = answer.body.data?.[operation.field] as { items?: (Row | null)[] } | null | undefined;
    const items = page?.items;
    if (!page || !items?.some((row) => row && this.#isOld(row))) return answer;
    const current = items.filter((row) => !row || !this.#isOld(row));
    return Answer.of({ ...answer.body, data: { [operation.field]: { ...page, items: current } } });
  }

  #isOld(row: Row): boolean {
    return version(row) < (this.#versions.get(row.id) ?? 0);
  }

  #hand(row: Row): void {
    this.#versions.set(row.id, Math.max(version(row), this.#versions.get(row.id) ?? 0));
  }
}

function version(row: Row): number {
  return Number(row["_version"] ?? 0);
}

function pushed(message: SocketMessage): Row | undefined {
  if (message.type !== "data") return undefined;
  const data = (message.payload as { data?: Record<string, Row | null> } | undefined)?.data;
  const [row] = Object.values(data ?? {});
  return row?.id ? row : undefined;
}
