/**
 * Cure: a deletion that is refused, and destroys what belongs to the row all the same.
 *
 * DataStore deletes the notes of a work order before the work order, each by a mutation of its own. If
 * the deletion of the work order is refused afterwards, because it may not be made or the work has
 * begun, the work order comes back without its notes, which are gone for everybody.
 *
 * Here the deletion of what a row belongs to goes first, as soon as that of the row would. When it is
 * accepted the row's is sent; when it is not, the row comes back, and what its author had written in it
 * and not sent is told to them. Nothing has to be remembered for that: after a reload the outbox is as
 * it was, and a deletion that had arrived is accepted again.
 */

import type { Bases } from "./bases";
import { belongsTo, PARENTS, PLURALS } from "./family";
import { differences, type Keep, type NoticeField, type Notices } from "./notices";
import type { Waiting } from "./outbox";
import { Answer, isMutation, itemSelection, operationOf, readAgain, type Ask, type Operation, type Request, type Row } from "./wire";

const KEY = "groundwork.unsent";
const REASON = "it was deleted with what it belongs to, which is still there";
const LEAST = "{ id _version _lastChangedAt _deleted }";

type Deletion = Operation & { input: Row };

interface Unsent {
  readonly model: string;
  readonly fields: Row;
}

export class ParentsFirst {
  /** By plural, what DataStore asks of a model's items, which subscribers are sent of a deletion. */
  readonly #selections = new Map<string, string>();
  /** By entry of the outbox: whether its deletion was accepted, and the answer if it was. */
  readonly #settled = new Map<string, Answer | "kept">();
  /** Creations: DataStore takes them out of its outbox when their parent is deleted. */
  readonly #unsent: Map<string, Unsent>;

  constructor(
    private readonly notices: Notices,
    private readonly bases: Bases,
    private readonly outbox: () => Promise<readonly Waiting[]>,
    private readonly keep?: Keep,
  ) {
    let entries: [string, Unsent][] = [];
    try {
      entries = JSON.parse(keep?.getItem(KEY) ?? "[]") as [string, Unsent][];
    } catch {
      entries = [];
    }
    this.#unsent = new Map(entries);
  }

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      const { operation } = request;
      if (operation?.verb === "sync") this.#selections.set(operation.name, itemSelection(operation) ?? LEAST);
      if (!isMutation(operation)) return inner(request);
      if (operation.verb === "delete") return this.#delete(inner, request, operation);
      const answer = await inner(request);
      this.#forget([operation.input.id]);
      return answer;
    };
  };

  /** DataStore has put a change into its outbox: a whole row if it was never sent, otherwise what changed. */
  enqueued(model: string, element: Row): void {
    if (element["_version"]) return;
    this.#unsent.set(element.id, { model, fields: { ...this.#unsent.get(element.id)?.fields, ...element } });
    this.#store();
  }

  async #delete(inner: Ask, request: Request, operation: Deletion): Promise<Answer> {
    const entries = await this.outbox();
    const own = deletionOf(entries, operation.input.id);
    if (!own) return inner(request);
    const accepted = await this.#settle(own, entries, async (entry) => {
      return inner(entry === own ? request : this.#deletion(request, entry));
    });
    const answer = this.#settled.get(own.id);
    if (accepted && answer instanceof Answer) return answer;
    const row = await readAgain(inner, request, operation);
    if (!row) return inner(request);
    this.#tellEdits(own, row);
    return Answer.of({ data: { [operation.field]: row } });
  }

  /** Whether a row is deleted, once everything that it belongs to is. */
  async #settle(entry: Waiting, entries: readonly Waiting[], send: (entry: Waiting) => Promise<Answer>): Promise<boolean> {
    let settled = this.#settled.get(entry.id);
    if (settled === undefined) {
      const field = PARENTS.get(entry.model)?.field;
      const parent = field && deletionOf(entries, String(parsed(entry)[field]));
      settled = "kept";
      if (!parent || (await this.#settle(parent, entries, send))) {
        const answer = await send(entry);
        if (answer.row(`delete${entry.model}`)?.["_deleted"]) settled = answer;
      }
      this.#settled.set(entry.id, settled);
      this.#tellUnsent(entry.modelId, entries, settled === "kept");
    }
    return settled !== "kept";
  }

  /** What DataStore will send for an entry. */
  #deletion(request: Request, { model, modelId, data, condition }: Waiting): Request {
    const selection = this.#selections.get(PLURALS.get(model) ?? "") ?? LEAST;
    const query =
      `mutation operation($input: Delete${model}Input!, $condition: Model${model}ConditionInput) ` +
      `{ delete${model}(input: $input, condition: $condition) ${selection} }`;
    const given = JSON.parse(condition) as object;
    const input = { id: modelId, _version: (JSON.parse(data) as Row)["_version"] };
    const variables = { input, condition: Object.keys(given).length ? given : null };
    const body = JSON.stringify({ query, variables });
    return { ...request, body, operation: operationOf(body) };
  }

  /** What was written in a row that comes back, and not sent before it was deleted. */
  #tellEdits(entry: Waiting, row: Row): void {
    const base = this.bases.get(entry.modelId);
    if (!base) return;
    const fields = differences(parsed(entry), row).filter(({ name }) => name in base);
    if (fields.length) this.#tell(entry.model, entry.modelId, fields);
    this.bases.forget(entry.modelId);
  }

  /** What was created below a row, and went with it before it was sent. */
  #tellUnsent(id: string, entries: readonly Waiting[], kept: boolean): void {
    for (const [child, { model, fields }] of this.#unsent) {
      if (!belongsTo(model, fields, id) || entries.some((entry) => entry.modelId === child)) continue;
      const written = Object.entries(fields).filter(([name, ours]) => name !== "id" && ours !== null);
      if (kept) this.#tell(model, child, written.map(([name, ours]) => ({ name, ours, theirs: null })));
      this.#forget([child]);
      this.#tellUnsent(child, entries, kept);
    }
  }

  #tell(model: string, id: string, fields: readonly NoticeField[]): void {
    this.notices.add({ kind: "refused", model, id, reason: REASON, fields });
  }

  #forget(ids: readonly string[]): void {
    const known = ids.filter((id) => this.#unsent.delete(id));
    if (known.length) this.#store();
  }

  #store(): void {
    try {
      this.keep?.setItem(KEY, JSON.stringify([...this.#unsent]));
    } catch {
      // A full store costs a notice after a reload, nothing else.
    }
  }
}

function deletionOf(entries: readonly Waiting[], id: string): Waiting | undefined {
  return entries.find((entry) => entry.modelId === id && entry.operation === "Delete");
}

function parsed(entry: Waiting): Row {
  return JSON.parse(entry.data) as Row;
}
