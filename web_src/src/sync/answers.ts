/**
 * Cure: answers that are stored nowhere.
 *
 * DataStore takes an edit out of its outbox in one step and stores the answer in a later one. If it goes
 * offline in between, or the page is closed, the answer is gone. The next synchronisation brings the row, unless the last
 * one already had it, which is so when the edit had arrived and its answer was lost: then DataStore
 * ignored the row, because the edit waited, and asks only for what changed since. The row stays as the
 * edit made it, without a version or with an old one, until somebody changes it.
 *
 * Here an answer is remembered until DataStore says that it has stored it; one that it has not stored
 * before it stopped is on the first page of the next synchronisation.
 */

import { PLURALS } from "./family";
import { recall, retain, type Keep } from "./keep";
import { Answer, isMutation, type Ask, type Operation, type Row } from "./wire";

const KEY = "groundwork.answers";

interface Given {
  readonly model: string;
  readonly row: Row;
}

export class Answers {
  /** Handed to DataStore, by the row's id. */
  readonly #given = new Map<string, Given>();
  /** Handed to DataStore before it stopped. */
  readonly #lost: Map<string, Given>;

  constructor(private readonly keep?: Keep) {
    this.#lost = new Map(recall<[string, Given][]>(keep, KEY, []));
  }

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      const { operation } = request;
      const answer = await inner(request);
      if (isMutation(operation)) this.#give(operation, answer);
      if (operation?.verb === "sync" && !operation.variables["nextToken"]) return this.#completed(operation, answer);
      return answer;
    };
  };

  /** DataStore has stored the answer to the edit of a row. */
  stored(id: string): void {
    if (this.#given.delete(id)) this.#store();
  }

  /** DataStore has stopped: what it has not stored by now, it will not. */
  stopped(): void {
    for (const [id, given] of this.#given) this.#lost.set(id, given);
    this.#given.clear();
  }

  /** DataStore has stored what a synchronisation brought. */
  synchronised(): void {
    if (this.#lost.size === 0) return;
    this.#lost.clear();
    this.#store();
  }

  #give(operation: Operation & { input: Row }, answer: Answer): void {
    const row = answer.row(operation.field);
    if (!row) return;
    this.#lost.delete(row.id);
    this.#given.set(row.id, { model: operation.name, row });
    this.#store();
  }

  /** With what was lost at its beginning, so that anything newer comes after it. */
  #completed(operation: Operation, answer: Answer): Answer {
    const lost = [...this.#lost.values()].filter(({ model }) => PLURALS.get(model) === operation.name);
    const page = answer.body.data?.[operation.field] as { items?: (Row | null)[] } | null | undefined;
    if (!lost.length || !page?.items) return answer;
    const items = [...lost.map(({ row }) => row), ...page.items];
    return Answer.of({ ...answer.body, data: { [operation.field]: { ...page, items } } });
  }

  #store(): void {
    retain(this.keep, KEY, [...this.#lost, ...this.#given]);
  }
}
