/**
 * Whose the device's store is. What it holds is one person's: theirs alone is shown and sent, also when
 * somebody else signs in at the same device before it has been sent.
 */

import { schema } from "../../../models/datastore/schema.js";
import type { Tokens, TokenSource } from "../sync/client";

export interface User {
  /** Cognito's `sub`, which stays when the address changes. */
  readonly id: string;
  /** Cognito's `username`, which notes have as their `owner`. */
  readonly username: string;
  /** The e-mail address. */
  readonly name: string;
  readonly groups: readonly string[];
}

export type Operation = "create" | "update" | "delete";
type ModelName = "Site" | "WorkOrder" | "Note";

interface Rule {
  readonly allow: string;
  readonly groups?: readonly string[];
  readonly operations: readonly string[];
}

/** Everything that the app keeps in `localStorage`; Amplify's own keys are others. */
const OURS = "groundwork.";
const OWNER = `${OURS}owner`;
const DATABASE = "amplify-datastore";
const PATIENCE_MS = 10_000;

export function owner(): User | undefined {
  try {
    return (JSON.parse(localStorage.getItem(OWNER) ?? "null") as User | null) ?? undefined;
  } catch {
    return undefined;
  }
}

export function become(user: User): void {
  localStorage.setItem(OWNER, JSON.stringify(user));
}

/** What the tokens say of who has them. */
export function userOf(tokens: Tokens | undefined): User | undefined {
  const payload = tokens?.idToken?.payload;
  if (!payload) return undefined;
  const username = String(payload["cognito:username"]);
  const groups = (payload["cognito:groups"] ?? []) as readonly string[];
  return { id: String(payload["sub"]), username, name: String(payload["email"] ?? username), groups };
}

/** Nobody else's tokens: with those, the owner's edits would be sent in another name. */
export function ofOwner(source: TokenSource): TokenSource {
  return async (force) => {
    const tokens = await source(force);
    const held = owner();
    return !held || userOf(tokens)?.id === held.id ? tokens : undefined;
  };
}

/** The owner and their notices; what the store holds is nobody's then. */
export function forgetOwner(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(OURS)) localStorage.removeItem(key);
}

/** All that is here, before DataStore has opened its store. */
export function erase(): Promise<void> {
  forgetOwner();
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error("what was here cannot be erased; close the other tabs of this app"));
    const deleting = indexedDB.deleteDatabase(DATABASE);
    deleting.onsuccess = () => resolve();
    deleting.onerror = failed;
    setTimeout(failed, PATIENCE_MS);
  });
}

/**
 * Whether the API would accept it, by the rules in the schema: so that nobody is offered what would be
 * refused. The API decides all the same.
 */
export function may(user: User, operation: Operation, model: ModelName, row?: object): boolean {
  const auth = schema.models[model]?.attributes?.find((each) => each.type === "auth");
  const rules = (auth?.properties?.["rules"] ?? []) as readonly Rule[];
  return rules.some((rule) => rule.operations.includes(operation) && fits(rule, user, row));
}

function fits(rule: Rule, user: User, row: object | undefined): boolean {
  if (rule.allow === "groups") return (rule.groups ?? []).some((group) => user.groups.includes(group));
  if (rule.allow !== "owner") return rule.allow === "private";
  // A row that has not been at the server yet is of who made it.
  const theirs = (row as { owner?: string | null } | undefined)?.owner;
  return !theirs || theirs === user.username;
}
