/**
 * The Amplify DataStore client with its cures: `connect` once, then use DataStore as ever.
 *
 * Nothing of DataStore is replaced or patched. The cures stand at its edges: around `fetch` and
 * `WebSocket` towards the API alone, and in the events by which a browser says that it is online.
 */

import { Amplify } from "aws-amplify";
import { DataStore } from "aws-amplify/datastore";
import type { PersistentModelConstructor, PersistentModel } from "aws-amplify/datastore";
import { CONNECTION_STATE_CHANGE, ConnectionState } from "aws-amplify/api";
import { Hub } from "aws-amplify/utils";

import * as models from "../../../models/datastore/index.js";
import { Answers } from "./answers";
import { Bases } from "./bases";
import { Conflicts } from "./conflicts";
import { InOrder } from "./in_order";
import type { Keep } from "./keep";
import { joinedLists } from "./lists";
import { Notices } from "./notices";
import { OneLoop } from "./one_loop";
import { waiting, type Waiting } from "./outbox";
import { ParentsFirst } from "./parents_first";
import { Reachability, type Browser } from "./reachability";
import { healedRejections } from "./rejections";
import { patientSession, renewed, type Session } from "./session";
import { Replaced } from "./replaced";
import { listenedSocket } from "./socket";
import { SubscribeFirst } from "./subscribe_first";
import { Answer, operationOf, type Ask, type Cure, type Row } from "./wire";

export const SYNCHRONISED = { Site: models.Site, WorkOrder: models.WorkOrder, Note: models.Note };
const SUBSCRIPTIONS = 3 * Object.keys(SYNCHRONISED).length;

/** Above the default of 10,000, beyond which DataStore stops reading without a word. */
const MOST_ROWS = 1_000_000;

export interface JsonWebToken {
  readonly payload: Record<string, unknown>;
  toString(): string;
}

export interface Tokens {
  readonly accessToken: JsonWebToken;
  readonly idToken?: JsonWebToken;
}

/**
 * `force`: not the one that the API has just refused. Nothing: somebody has to sign in. A rejection: it
 * cannot be said now, because what renews tokens is not reached.
 */
export type TokenSource = (force: boolean) => Promise<Tokens | undefined>;

export type CureName =
  | "reachability"
  | "session"
  | "subscribeFirst"
  | "inOrder"
  | "oneLoop"
  | "lists"
  | "conflicts"
  | "replaced"
  | "parentsFirst"
  | "answers"
  | "rejections";

export interface Connection {
  readonly graphqlUrl: string;
  readonly region: string;
  readonly apiKey?: string;
  readonly tokens?: TokenSource;
  /** Amplify's configuration of `Auth`, when Amplify itself signs people in. */
  readonly auth?: object;
  readonly keep?: Keep;
  /** For tests, which show that each is needed. */
  readonly without?: readonly CureName[];
}

export interface Client {
  readonly notices: Notices;
  readonly reachability: Reachability;
  readonly bases: Bases;
  waiting(): Promise<readonly Waiting[]>;
}

interface Global extends Browser {
  fetch: typeof fetch;
  WebSocket: typeof WebSocket;
  indexedDB: IDBFactory;
}

interface Change {
  readonly model: { readonly name: string };
  readonly element: Row;
}

export function connect(connection: Connection): Client {
  const page = globalThis as unknown as Global;
  const notices = new Notices(connection.keep);
  const bases = new Bases(connection.keep);
  const reachability = new Reachability(page);
  const replaced = new Replaced(notices, bases, connection.keep);
  const without = new Set(connection.without);
  const inOrder = new InOrder((row) => {
    if (!without.has("replaced")) replaced.seen(row);
  });
  const subscribeFirst = new SubscribeFirst(SUBSCRIPTIONS, synchroniseAgain);
  const conflicts = new Conflicts(notices, bases);
  const parentsFirst = new ParentsFirst(notices, bases, () => waiting(page.indexedDB), localRow, connection.keep);
  const answers = new Answers(connection.keep);
  const oneLoop = new OneLoop();
  const tokens = lastingTokens(connection.tokens, () => reachability.lost(renewed(session, reachability)));
  const session: Session = { renew: async () => (await tokens(true))?.accessToken.toString() };

  const cures: [CureName, Cure][] = [
    ["reachability", reachability.cure],
    ["oneLoop", oneLoop.inside],
    ["session", patientSession(session, reachability)],
    ["lists", joinedLists(bases)],
    ["conflicts", conflicts.cure],
    ["rejections", healedRejections(notices, bases, localRow)],
    ["replaced", replaced.cure],
    ["parentsFirst", parentsFirst.cure],
    ["subscribeFirst", subscribeFirst.cure],
    ["answers", answers.cure],
    ["inOrder", inOrder.cure],
    ["oneLoop", oneLoop.outside],
  ];
  const used = cures.filter(([name]) => !without.has(name)).map(([, cure]) => cure);
  page.fetch = curedFetch(page.fetch.bind(globalThis), connection.graphqlUrl, used);
  page.WebSocket = listenedSocket(page.WebSocket, {
    sent: (message) => subscribeFirst.sent(message),
    received: (message, deliver) => {
      subscribeFirst.received(message);
      if (without.has("inOrder")) deliver();
      else inOrder.received(message, deliver);
    },
    closed: () => subscribeFirst.closed(),
  });
  Hub.listen("datastore", ({ payload }) => {
    if (payload.event === "syncQueriesReady") answers.synchronised();
    if (payload.event === "networkStatus" && !(payload.data as { active: boolean }).active) {
      answers.stopped();
      inOrder.stopped();
      oneLoop.stopped();
    }
    if (payload.event === "outboxMutationProcessed") {
      const { element } = payload.data as Change;
      answers.stored(element.id);
      inOrder.stored(element.id);
    }
    if (payload.event === "outboxMutationEnqueued") {
      const { model, element } = payload.data as Change;
      // What cannot be read while DataStore stops costs a notice too many, nothing else.
      parentsFirst.enqueued(model.name, element).catch(() => undefined);
    }
    if (payload.event === "outboxStatus" && (payload.data as { isEmpty: boolean }).isEmpty) parentsFirst.emptied();
  });

  configure(connection, tokens);
  DataStore.configure({
    maxRecordsToSync: MOST_ROWS,
    // What it is told is said by the cures in words for users; RetryMutation and Offline are no errors.
    errorHandler: () => undefined,
  });
  return { notices, reachability, bases, waiting: () => waiting(page.indexedDB) };
}

/** `DataStore.save` of a changed copy, whose author is told if somebody else's change is in the way. */
export async function edit<Model extends PersistentModel & { id: string }>(
  client: Pick<Client, "bases">,
  constructor: PersistentModelConstructor<Model>,
  original: Model,
  changes: Partial<Model>,
): Promise<Model> {
  client.bases.remember(original.id, original, changes);
  const changed = constructor.copyOf(original, (draft) => {
    Object.assign(draft, changes);
  });
  return DataStore.save(changed);
}

function configure(connection: Connection, tokens: TokenSource): void {
  const { graphqlUrl: endpoint, region, apiKey } = connection;
  const GraphQL = apiKey
    ? { endpoint, region, defaultAuthMode: "apiKey" as const, apiKey }
    : { endpoint, region, defaultAuthMode: "userPool" as const };
  Amplify.configure(
    { API: { GraphQL }, ...(connection.auth ?? {}) },
    apiKey
      ? {}
      : { Auth: { tokenProvider: { getTokens: async (options) => (await tokens(options?.forceRefresh ?? false)) as never } } },
  );
}

/** As good as none to the API, which refuses it. */
const SIGNED_OUT: Tokens = { accessToken: { payload: {}, toString: () => "signed-out" } };

/**
 * Never without tokens: the client would fail before it asks, and the edit would be dropped; so it asks,
 * is refused, and `session` keeps the edit. If the source fails, the last tokens, even when they have
 * expired; a page that has had none yet is told `unknown`, for nothing that it asks would be answered. A
 * forced renewal that fails rejects. If the source says that nobody is signed in, none of theirs, or Amplify
 * would take them for signed in and let nobody sign in again.
 */
function lastingTokens(source: TokenSource | undefined, unknown: () => void): TokenSource {
  let last: Tokens | undefined;
  return async (force) => {
    let tokens: Tokens | undefined;
    try {
      tokens = await source?.(force);
    } catch (error) {
      if (force) throw error;
      if (!last) unknown();
      return last ?? SIGNED_OUT;
    }
    last = tokens ?? SIGNED_OUT;
    return force ? tokens : last;
  };
}

function curedFetch(original: typeof fetch, url: string, cures: readonly Cure[]): typeof fetch {
  const send: Ask = async (request) => {
    const response = await original(request.url, { method: "POST", headers: request.headers, body: request.body });
    return new Answer(response.status, await response.text());
  };
  const ask = cures.reduce((inner, cure) => cure(inner), send);
  return async (input, init) => {
    const body = init?.body;
    if (String(input) !== url || typeof body !== "string") return original(input, init);
    const headers = Object.fromEntries(new Headers(init?.headers).entries());
    const answer = await ask({ url, headers, body, operation: operationOf(body) });
    return new Response(answer.text, {
      status: answer.status,
      headers: { "content-type": "application/json" },
    });
  };
}

/** DataStore synchronises when it hears that the realtime connection was disrupted and is back. */
function synchroniseAgain(): void {
  for (const connectionState of [ConnectionState.ConnectionDisrupted, ConnectionState.Connected]) {
    Hub.dispatch("api", { event: CONNECTION_STATE_CHANGE, data: { connectionState } }, "PubSub");
  }
}

async function localRow(model: string, id: string): Promise<Row | undefined> {
  const constructor = SYNCHRONISED[model as keyof typeof SYNCHRONISED] as unknown as PersistentModelConstructor<
    PersistentModel & Row
  >;
  return DataStore.query(constructor, id);
}
