/**
 * Cure: conflicts that end in silence.
 *
 * Where the server asks the client (OPTIMISTIC_CONCURRENCY, or a Lambda's REJECT), DataStore hands its
 * handler an instance made of the changed fields alone. The default handler cannot build a complete one
 * of it: it fails eleven times within a third of a second, and the edit is dropped (amplify-js issues
 * 12360 and 10487). A handler of one's own cannot tell "set to null" from "not changed" either. Where
 * the server decides (AUTOMERGE, LAMBDA), an edit that lost is answered like a success.
 *
 * Here the handler lays the fields that were really sent over the server's item, and every field
 * that does not come back as it was sent, or was written over somebody else's change, is a notice.
 */

import type { PersistentModel, SyncConflict } from "aws-amplify/datastore";

import type { Bases } from "./bases";
import { contains, differences, type Notices } from "./notices";
import { isMutation, type Answer, type Ask, type Operation, type Row } from "./wire";

/** The client tries ten times without a pause; three is enough for others to be quicker. */
const ATTEMPTS = 3;

export class Conflicts {
  readonly #refused = new Map<string, Row>();

  constructor(
    private readonly notices: Notices,
    private readonly bases: Bases,
    private readonly discard: symbol,
  ) {}

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      const answer = await inner(request);
      if (isMutation(request.operation)) this.#answered(request.operation, answer);
      return answer;
    };
  };

  /** For `DataStore.configure`. */
  readonly handler = (conflict: SyncConflict): PersistentModel | symbol => {
    const remote = conflict.remoteModel as unknown as Row;
    const model = conflict.modelConstructor.name;
    const sent = this.#refused.get(remote.id) ?? (conflict.localModel as unknown as Row);
    if (remote["_deleted"] || conflict.attempts > ATTEMPTS) {
      const kind = remote["_deleted"] ? "deleted-elsewhere" : "theirs-kept";
      if (conflict.operation !== "DELETE" || kind !== "deleted-elsewhere") {
        this.notices.add({ kind, model, id: remote.id, fields: differences(sent, remote) });
      }
      return this.discard;
    }
    if (conflict.operation === "DELETE") {
      this.notices.add({ kind: "not-deleted", model, id: remote.id, fields: [] });
      return this.discard;
    }
    this.#sayWhatIsOverwritten(model, sent, remote);
    return this.#laidOver(conflict, sent);
  };

  #laidOver(conflict: SyncConflict, sent: Row): PersistentModel {
    return conflict.modelConstructor.copyOf(conflict.remoteModel, (draft) => {
      const target = draft as Record<string, unknown>;
      for (const [name, value] of Object.entries(sent)) {
        if (name !== "id" && !name.startsWith("_")) target[name] = value;
      }
    });
  }

  /** Theirs is a change if it is not what the user saw when they made theirs. */
  #sayWhatIsOverwritten(model: string, sent: Row, remote: Row): void {
    const base = this.bases.get(remote.id);
    const fields = differences(sent, remote).filter(
      ({ name, theirs }) => !(base && name in base && contains(theirs, base[name])),
    );
    if (fields.length) this.notices.add({ kind: "ours-kept", model, id: remote.id, fields });
  }

  #answered(operation: Operation & { input: Row }, answer: Answer): void {
    const { input, field, name, verb } = operation;
    if (answer.error?.errorType === "ConflictUnhandled") {
      this.#refused.set(input.id, input);
      return;
    }
    this.#refused.delete(input.id);
    const row = answer.row(field);
    if (!row) return;
    this.bases.forget(input.id);
    if (verb === "delete") {
      if (!row["_deleted"]) this.notices.add({ kind: "not-deleted", model: name, id: input.id, fields: [] });
      return;
    }
    const kind = row["_deleted"] ? "deleted-elsewhere" : "theirs-kept";
    const fields = differences(input, row);
    if (row["_deleted"] || fields.length) this.notices.add({ kind, model: name, id: input.id, fields });
  }
}
