/**
 * Cure: refused edits that stay on the device as if they had been taken.
 *
 * An edit that the API refuses for good, because somebody may not make it or a value is wrong, leaves
 * the outbox; the row on the device keeps it, and differs from everybody else's from then on. And a
 * creation that had arrived, whose answer was lost, is refused when it is repeated.
 *
 * Here the second is a success, and its author is told what somebody has changed since; the author of
 * the first is told, and the row becomes what the server has: its item, or nothing. While that cannot be
 * read, the edit waits.
 */

import type { Bases } from "./bases";
import { differences, written, type Notices } from "./notices";
import { Answer, isMutation, readAgain, type Ask, type GraphqlError, type Operation, type Row } from "./wire";

const EXISTS = "DynamoDB:ConditionalCheckFailedException";

/** The row as the device has it. */
export type LocalRow = (model: string, id: string) => Promise<Row | undefined>;

export function healedRejections(notices: Notices, bases: Bases, local: LocalRow) {
  return (inner: Ask): Ask =>
    async (request) => {
      const answer = await inner(request);
      const { operation } = request;
      const error = answer.error ?? unsaid(answer);
      if (!isMutation(operation) || !error || error.errorType === "ConflictUnhandled") return answer;
      const there = await readAgain(inner, request, operation);
      bases.answered(operation.input.id, operation.input);
      if (operation.verb === "create" && error.errorType === EXISTS && there) {
        const { name: model, input } = operation;
        const [kind, fields] = there["_deleted"]
          ? (["deleted-elsewhere", written(input, there)] as const)
          : (["replaced", differences(input, there)] as const);
        if (fields.length) notices.add({ kind, model, id: input.id, fields });
        return Answer.of({ data: { [operation.field]: there } });
      }
      const row = there ?? (await gone(local, operation));
      if (!(operation.verb === "delete" && row["_deleted"])) {
        notices.add({
          kind: "refused",
          model: operation.name,
          id: operation.input.id,
          reason: error.message ?? error.errorType ?? "refused",
          fields: written(operation.input, row),
        });
      }
      // Of an error DataStore takes the row only if it is not about authorization; of an answer always.
      return Answer.of({ data: { [operation.field]: row } });
    };
}

/** A refusal that does not come from the API, and has no words of GraphQL's. */
function unsaid(answer: Answer): GraphqlError | undefined {
  return answer.isGraphql ? undefined : { message: `HTTP ${answer.status}` };
}

async function gone(local: LocalRow, operation: Operation & { input: Row }): Promise<Row> {
  const row = await local(operation.name, operation.input.id);
  return { ...row, ...operation.input, _deleted: true, _lastChangedAt: Date.now() };
}
