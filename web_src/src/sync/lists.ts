/**
 * Cure: list entries that are there twice.
 *
 * Where AppSync joins lists (AUTOMERGE), it appends what a late change sends to what is there, and
 * DataStore sends whole lists. So an entry that both sides had seen is there twice. A change that is not late
 * replaces the list, and has to be whole.
 *
 * Here the row is read before a list of it is sent. If somebody has changed it, the list is cut down to
 * what its author added and nobody else has.
 * https://docs.aws.amazon.com/appsync/latest/devguide/conflict-detection-and-resolution.html
 */

import type { Bases } from "./bases";
import { isMutation, readAgain, type Ask, type Row } from "./wire";

/** The lists of models whose strategy is AUTOMERGE. */
const JOINED: ReadonlyMap<string, readonly string[]> = new Map([["Site", ["accessHints"]]]);

export function joinedLists(bases: Bases) {
  return (inner: Ask): Ask =>
    async (request) => {
      const { operation } = request;
      if (!isMutation(operation) || operation.verb !== "update") return inner(request);
      const { input, query, variables } = operation;
      const names = (JOINED.get(operation.name) ?? []).filter((name) => Array.isArray(input[name]));
      const theirs = names.length ? await readAgain(inner, request, operation) : undefined;
      if (!theirs || theirs["_version"] === input["_version"]) return inner(request);
      const base = bases.get(input.id);
      const added = names.map((name): [string, unknown[]] => {
        const known = [...list(theirs[name]), ...list(base?.[name])];
        return [name, list(input[name]).filter((each) => !known.includes(each))];
      });
      const cut: Row = { ...input, ...Object.fromEntries(added) };
      return inner({ ...request, body: JSON.stringify({ query, variables: { ...variables, input: cut } }) });
    };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
