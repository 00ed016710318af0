/**
 * Cure: conflicts that end in silence.
 *
 * Where the server asks the client (OPTIMISTIC_CONCURRENCY, or a Lambda's REJECT), DataStore rebuilds
 * an instance from what it sent, which is the changed fields alone, before it calls any handler. If a
 * required field is missing from it, such as the key of what the row belongs to, no handler is ever
 * called: eleven attempts in a third of a second, and the edit is dropped (amplify-js issues 12360 and
 * 10487). Where the server decides (AUTOMERGE, LAMBDA), an edit that lost is answered like a success.
 *
 * Here the answer to a conflict is found before DataStore hears of it: the same fields are sent again
 * with the version that the server named, so that ours lie over theirs and an emptied field is
 * empty; what was deleted stays deleted; what somebody changed is not deleted unseen. Every field that does
 * not come back as it was sent, or was written over somebody else's change, is a notice.
 */

import type { Bases, Seen } from "./bases";
import { contains, differences, written, type Notices } from "./notices";
import { Answer, isMutation, readAgain, type Ask, type Operation, type Request, type Row } from "./wire";

type Mutation = Operation & { input: Row };

/** How often others may be quicker before theirs is kept. */
const ATTEMPTS = 6;
const PAUSE_MS = 50;

export class Conflicts {
  /**
   * Tombstones. DataStore gives an edit that waits the version of the answer to the one before it, and
   * the API takes an edit of a tombstone's version for a resurrection, which nobody has asked for.
   */
  readonly #gone = new Map<string, Row>();

  constructor(
    private readonly notices: Notices,
    private readonly bases: Bases,
  ) {}

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      const { operation } = request;
      if (!isMutation(operation)) return inner(request);
      const base = this.bases.get(operation.input.id);
      const gone = this.#gone.get(operation.input.id);
      let answer = gone ? Answer.of({ data: { [operation.field]: gone } }) : await inner(request);
      // The server tried to merge, and somebody was quicker each time.
      for (let attempt = 1; answer.error?.errorType === "MaxConflicts" && attempt <= ATTEMPTS; attempt += 1) {
        await pause(Math.random() * PAUSE_MS * attempt);
        answer = await inner(request);
      }
      let overwritten: Row | undefined;
      for (let attempt = 1; isConflict(answer); attempt += 1) {
        const theirs = answer.error!.data!;
        if (operation.verb !== "update" || theirs["_deleted"] || attempt > ATTEMPTS) {
          const row = theirs["_deleted"] ? theirs : await readAgain(inner, request, operation);
          answer = Answer.of({ data: { [operation.field]: row ?? { ...theirs, _deleted: true } } });
          break;
        }
        overwritten = theirs;
        await pause(Math.random() * PAUSE_MS * attempt);
        answer = await inner(resent(request, operation, theirs));
      }
      this.#finished(operation, answer, overwritten, base);
      return answer;
    };
  };

  #finished(operation: Mutation, answer: Answer, overwritten: Row | undefined, base: Seen | undefined): void {
    const row = answer.row(operation.field);
    if (!row) return;
    const { input, name: model, verb } = operation;
    const id = input.id;
    const lost = differences(input, row, base);
    if (row["_deleted"]) this.#gone.set(id, row);
    if (verb === "delete") {
      if (!row["_deleted"]) this.notices.add({ kind: "not-deleted", model, id, fields: [] });
    } else if (row["_deleted"]) {
      this.notices.add({ kind: "deleted-elsewhere", model, id, fields: written(input, row) });
    } else if (lost.length) {
      this.notices.add({ kind: "theirs-kept", model, id, fields: lost });
    } else if (overwritten) {
      this.#sayWhatIsOverwritten(model, input, overwritten, base);
    }
    if (verb === "delete") this.bases.forget(id);
    else this.bases.answered(id, input);
  }

  /** Theirs is a change if it is not what the user saw when they made theirs. */
  #sayWhatIsOverwritten(model: string, input: Row, theirs: Row, base: Seen | undefined): void {
    const fields = differences(input, theirs).filter(
      (each) => !(base && each.name in base && contains(each.theirs, base[each.name])),
    );
    if (fields.length) this.notices.add({ kind: "ours-kept", model, id: input.id, fields });
  }
}

function isConflict(answer: Answer): boolean {
  return answer.error?.errorType === "ConflictUnhandled" && Boolean(answer.error.data);
}

function resent(request: Request, operation: Mutation, theirs: Row): Request {
  const input = { ...operation.input, _version: theirs["_version"] };
  const { query, variables } = operation;
  return { ...request, body: JSON.stringify({ query, variables: { ...variables, input } }) };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
