/**
 * Cure: a deletion that is refused, and destroys what belongs to the row all the same.
 *
 * DataStore deletes the notes of a work order before the work order, each by a mutation of its own. If
 * the deletion of the work order is refused afterwards, because it may not be made or the work has
 * begun, the work order comes back without its notes, which are gone for everybody.
 *
 * Here the deletion of what a row belongs to goes first, as soon as that of the row would. When it is
 * accepted the row's is sent; when it is not, the row comes back, and what its author had written in it
 * and not sent is told to them. After a reload the outbox is as it was, and a deletion that had arrived is
 * accepted again. What is remembered is which deletions came with a refused one, as DataStore may put them
 * behind it, and what was never sent.
 */

import type { Bases } from "./bases";
import { belongsTo, PARENTS, PLURALS } from "./family";
import { recall, retain, type Keep } from "./keep";
import { differences, written, type NoticeField, type Notices } from "./notices";
import type { Waiting } from "./outbox";
import type { LocalRow } from "./rejections";
import { Answer, isMutation, itemSelection, operationOf, readAgain, type Ask, type Operation, type Request, type Row } from "./wire";

const KEY = "groundwork.deletions";
const REASON = "it was deleted before it was sent, by a deletion that was not accepted";
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
  /** Entries of the outbox, each a deletion that came with the refused one of what its row belongs to. */
  #kept: Set<string>;
  /** Creations: DataStore takes them out of its outbox when their parent is deleted. */
  readonly #unsent: Map<string, Unsent>;
  /** Those of them that were changed after the outbox was last empty. */
  readonly #recent = new Set<string>();

  constructor(
    private readonly notices: Notices,
    private readonly bases: Bases,
    private readonly outbox: () => Promise<readonly Waiting[]>,
    private readonly local: LocalRow,
    private readonly keep?: Keep,
  ) {
    const stored = recall<{ kept?: string[]; unsent?: [string, Unsent][] }>(keep, KEY, {});
    this.#kept = new Set(stored.kept);
    this.#unsent = new Map(stored.unsent);
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

  /**
   * DataStore has put a change into its outbox: a whole row if it was never sent, otherwise what changed.
   * Or, of a row that was never sent, its deletion has taken the creation out.
   */
  async enqueued(model: string, element: Row): Promise<void> {
    if (element["_version"]) return;
    const { id } = element;
    const known = this.#unsent.get(id);
    const unsent = { model, fields: { ...known?.fields, ...element } };
    this.#unsent.set(id, unsent);
    this.#recent.add(id);
    this.#store();
    if (!known || (await this.local(model, id)) || (await this.outbox()).some((entry) => entry.modelId === id)) return;
    // DataStore deletes a row with all that belongs to it before it puts any of the deletions into its outbox.
    const parent = PARENTS.get(model);
    if (parent && !(await this.local(parent.model, String(unsent.fields[parent.field])))) return;
    this.#forget([id]);
    this.bases.forget(id);
    this.#tellUnsent(id, await this.outbox(), false);
  }

  /** Nothing waits to be sent, but for what may just have been changed. */
  emptied(): void {
    this.#forget([...this.#unsent.keys()].filter((id) => !this.#recent.has(id)));
    this.#recent.clear();
    this.bases.emptied();
  }

  async #delete(inner: Ask, request: Request, operation: Deletion): Promise<Answer> {
    const entries = await this.outbox();
    const own = deletionOf(entries, operation.input.id);
    if (!own) return inner(request);
    let fresh: Answer | undefined;
    await this.#settle(own, entries, async (entry) => {
      if (entry !== own) return inner(this.#deletion(request, entry));
      fresh = await inner(request);
      return fresh;
    });
    const settled = this.#settled.get(own.id);
    if (settled instanceof Answer) return settled;
    if (fresh) return fresh;
    const row = await readAgain(inner, request, operation);
    if (!row) return inner(request);
    this.#tellEdits(own, row, this.bases.get(own.modelId));
    this.bases.forget(own.modelId);
    return Answer.of({ data: { [operation.field]: row } });
  }

  /** Whether a row is deleted, once everything that it belongs to is. */
  async #settle(entry: Waiting, entries: readonly Waiting[], send: (entry: Waiting) => Promise<Answer>): Promise<boolean> {
    let settled = this.#settled.get(entry.id);
    if (settled === undefined) {
      settled = "kept";
      if (await this.#isParentGone(entry, entries, send)) {
        const base = this.bases.get(entry.modelId);
        const answer = await send(entry);
        const row = answer.row(`delete${entry.model}`);
        if (row?.["_deleted"]) settled = answer;
        else if (row) this.#tellEdits(entry, row, base);
      }
      this.#settled.set(entry.id, settled);
      if (settled === "kept") await this.#remember(entry);
      this.#forget([entry.modelId]);
      this.#tellUnsent(entry.modelId, entries, settled === "kept");
    }
    return settled !== "kept";
  }

  /** Whether what a row belongs to is deleted, or was not to be deleted with it. */
  async #isParentGone(entry: Waiting, entries: readonly Waiting[], send: (entry: Waiting) => Promise<Answer>): Promise<boolean> {
    const id = String(parsed(entry)[PARENTS.get(entry.model)?.field ?? ""]);
    const parent = deletionOf(entries, id);
    if (parent) return this.#settle(parent, entries, send);
    return !this.#kept.has(entry.id);
  }

  /** The deletions that came with one that was refused. Its row is not there yet, so none was made later. */
  async #remember({ modelId }: Waiting): Promise<void> {
    const deletions = (await this.outbox()).filter(({ operation }) => operation === "Delete");
    const came = deletions.filter((each) => this.#kept.has(each.id) || belongsTo(each.model, parsed(each), modelId));
    this.#kept = new Set(came.map(({ id }) => id));
    this.#store();
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
  #tellEdits(entry: Waiting, row: Row, base: Readonly<Record<string, unknown>> | undefined): void {
    if (!base) return;
    const edited = row["_deleted"] ? written(parsed(entry), row) : differences(parsed(entry), row);
    const fields = edited.filter(({ name }) => name in base);
    if (fields.length) this.#tell(entry.model, entry.modelId, fields);
  }

  /** What was created below a row, and went with it before it was sent. */
  #tellUnsent(id: string, entries: readonly Waiting[], kept: boolean): void {
    for (const [child, { model, fields }] of this.#unsent) {
      if (!belongsTo(model, fields, id) || entries.some((entry) => entry.modelId === child)) continue;
      if (kept) this.#tell(model, child, written(fields, undefined).filter(({ ours }) => ours !== null));
      this.#forget([child]);
      this.bases.forget(child);
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
    retain(this.keep, KEY, { kept: [...this.#kept], unsent: [...this.#unsent] });
  }
}

function deletionOf(entries: readonly Waiting[], id: string): Waiting | undefined {
  return entries.find((entry) => entry.modelId === id && entry.operation === "Delete");
}

function parsed(entry: Waiting): Row {
  return JSON.parse(entry.data) as Row;
}
