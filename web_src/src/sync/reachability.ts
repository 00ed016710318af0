/**
 * Cure: edits that are dropped when requests fail while the browser thinks that it is online.
 *
 * The outbox keeps an edit only if the error says `Network Error`, which the client's own HTTP layer
 * has not said since version 6, and it takes the browser's word for being online, which a captive
 * portal or a dead uplink makes worthless. After three quick tries, or one answer of 503, the edit
 * is gone (amplify-js issues 13127 and 14766).
 *
 * Here "online" means that the API answers. A request that does not get an answer fails with the
 * words that keep the edit, DataStore is told `offline`, and the API is asked until it answers; then
 * DataStore is told `online`, upon which it subscribes, synchronises and sends what waits.
 *
 * What is no answer of GraphQL's comes from something on the way, and so does 403, which is how AWS WAF
 * turns requests away (AppSync itself says 401 or 200). An edit that meets with it again and again while the API
 * answers everything else is not waited for any longer. A query that meets with it is, and the API is asked
 * ever more rarely whether it answers until that query is answered.
 */

import { isMutation, NetworkError, rowOf, UNAUTHENTICATED, UNAUTHORIZED } from "./wire";
import type { Answer, Ask, Operation, Request } from "./wire";

/** The part of `window` that says whether there is a network. */
export interface Browser {
  readonly navigator: { readonly onLine: boolean };
  addEventListener(kind: string, listener: (event: Event) => void): void;
  dispatchEvent(event: Event): boolean;
}

export type State = "online" | "unreachable" | "signed-out";

const BUSY =
  /Throttl|ThroughputExceeded|RequestLimitExceeded|ServiceUnavailable|InternalServerError|InternalFailure|DeltaSyncWriteError|ExecutionTimeout/;
const TOO_MANY_REQUESTS = 429;
const FORBIDDEN = 403;
const FIRST_PROBE_MS = 500;
const LAST_PROBE_MS = 15_000;
/** An edit that the service cannot digest so many times is not waited for any longer. */
const BUSY_ATTEMPTS = 8;
const PROBE = JSON.stringify({ query: "query Reachable { __typename }" });

export class Reachability {
  #state: State = "online";
  #wake: (() => void) | undefined;
  #wait = FIRST_PROBE_MS;
  /** The query that was lost last, if it was one. */
  #doubted: string | undefined;
  readonly #attempts = new Map<string, number>();
  readonly #listeners = new Set<(state: State) => void>();

  constructor(private readonly browser: Browser) {
    // Before DataStore's own listener: it must not believe the browser while the API is silent.
    browser.addEventListener("online", (event) => {
      if (this.#state === "online" || told.has(event)) return;
      event.stopImmediatePropagation();
      this.#wake?.();
    });
    browser.addEventListener("offline", (event) => {
      if (!told.has(event)) this.#notify();
    });
  }

  /** What to show: the API's own silence, or else the browser's word. */
  get state(): State {
    return this.#state === "online" && !this.browser.navigator.onLine ? "unreachable" : this.#state;
  }

  onChange(listener: (state: State) => void): () => void {
    this.#listeners.add(listener);
    this.browser.addEventListener("online", () => listener(this.state));
    return () => this.#listeners.delete(listener);
  }

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      if (this.#state !== "online") throw new NetworkError();
      let answer: Answer | undefined;
      try {
        answer = await inner(request);
      } catch {
        answer = undefined;
      }
      if (answer && !this.#isBusy(request, answer)) {
        this.#answered(request, answer);
        return answer;
      }
      this.lost(() => answers(inner, request), isMutation(request.operation) ? undefined : request.operation?.field);
      throw new NetworkError();
    };
  };

  /** Send nothing until `resume`: there is a network, but nobody whom the API would answer. */
  pause(): void {
    if (this.#state === "signed-out") return;
    this.#become("signed-out");
  }

  resume(): void {
    if (this.#state === "signed-out") this.#become("online");
  }

  /** Send nothing until `again`, which is asked ever more rarely, says so; a rejection is a no. */
  lost(again: () => Promise<boolean>, query?: string): void {
    if (this.#state !== "online") return;
    this.#doubted = query;
    this.#become("unreachable");
    void this.#probe(again);
  }

  #isBusy(request: Request, answer: Answer): boolean {
    if (isOut(answer)) return true;
    const { operation } = request;
    const id = rowOf(operation);
    if (!operation || !id) return isTurnedAway(answer);
    const key = `${operation.field} ${id}`;
    if (!isTurnedAway(answer) && !mayPass(operation, answer.error?.errorType)) {
      this.#attempts.delete(key);
      return false;
    }
    const attempts = (this.#attempts.get(key) ?? 0) + 1;
    const isBusy = attempts < BUSY_ATTEMPTS;
    // The next edit of the row is another one; a read is the same until it is answered.
    if (isBusy || operation.verb === "get") this.#attempts.set(key, attempts);
    else this.#attempts.delete(key);
    return isBusy;
  }

  /** A probe that passes while the query for which it was made never does is no reason to hurry. */
  #answered({ operation }: Request, { status }: Answer): void {
    if (status === UNAUTHENTICATED || (this.#doubted && this.#doubted !== operation?.field)) return;
    this.#doubted = undefined;
    this.#wait = FIRST_PROBE_MS;
  }

  async #probe(again: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const wait = this.#wait;
      this.#wait = Math.min(wait * 2, LAST_PROBE_MS);
      await this.#sleep(wait * (0.75 + Math.random() / 2));
      if (this.#state !== "unreachable") return;
      if (!this.browser.navigator.onLine) continue;
      if (await again().catch(() => false)) break;
    }
    if (this.#state === "unreachable") this.#become("online");
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #become(state: State): void {
    this.#state = state;
    const event = new Event(state === "online" ? "online" : "offline");
    told.add(event);
    if (state !== "online" || this.browser.navigator.onLine) this.browser.dispatchEvent(event);
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener(this.state);
  }
}

async function answers(inner: Ask, request: Request): Promise<boolean> {
  const answer = await inner({ ...request, body: PROBE, operation: undefined });
  return !isOut(answer) && !isTurnedAway(answer);
}

/** Nobody's request is answered, or nobody's of ours. */
function isOut(answer: Answer): boolean {
  return answer.status === TOO_MANY_REQUESTS || answer.status >= 500;
}

/** An error that another attempt may not meet; of a read, each but that it may not be made. */
function mayPass(operation: Operation, type: string | null | undefined): boolean {
  return BUSY.test(type ?? "") || (operation.verb === "get" && Boolean(type) && type !== UNAUTHORIZED);
}

/** Something on the way answered. */
function isTurnedAway(answer: Answer): boolean {
  return answer.status === FORBIDDEN || !answer.isGraphql;
}

/** The events that we made. */
const told = new WeakSet<Event>();
