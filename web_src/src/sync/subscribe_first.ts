/**
 * Cure: the gap between the first synchronisation and the subscriptions.
 *
 * DataStore means to subscribe before it synchronises, but waits for an empty list of promises: it
 * synchronises while its subscriptions are still being made. What somebody else writes in between is
 * in neither, and is missing until the next synchronisation, which may be a day away.
 *
 * Here a synchronisation does not leave before AppSync has acknowledged every subscription. If it
 * does not within a while, data now is worth more than data without a gap, which is closed by another
 * synchronisation once it has.
 */

import type { Ask } from "./wire";
import type { SocketMessage } from "./socket";

const PATIENCE_MS = 15_000;

export class SubscribeFirst {
  readonly #settled = new Set<string>();
  #gaveUp = false;
  #waiting: (() => void)[] = [];

  /** `subscriptions`: how many DataStore makes, three for each model. */
  constructor(
    private readonly subscriptions: number,
    private readonly again: () => void,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  readonly cure = (inner: Ask): Ask => {
    return async (request) => {
      if (request.operation?.verb === "sync") await this.#ready();
      return inner(request);
    };
  };

  received(message: SocketMessage): void {
    if (!message.id || (message.type !== "start_ack" && message.type !== "error")) return;
    this.#settled.add(message.id);
    if (!this.#complete) return;
    this.#release();
    if (!this.#gaveUp) return;
    this.#gaveUp = false;
    this.again();
  }

  sent(message: SocketMessage): void {
    if (message.type === "stop" && message.id) this.#settled.delete(message.id);
  }

  /** A new connection has no subscriptions. */
  closed(): void {
    this.#settled.clear();
    this.#gaveUp = false;
  }

  get #complete(): boolean {
    return this.#settled.size >= this.subscriptions;
  }

  #ready(): Promise<void> {
    if (this.#complete || this.#gaveUp) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#gaveUp = true;
        this.#release();
      }, this.patienceMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}
