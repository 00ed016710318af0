/**
 * Cure: edits that are lost because two loops empty one outbox.
 *
 * When the network goes, DataStore stops its loop, but not the request that the loop waits for; when
 * the network is back it starts another one. Both send the first entry, and each takes the first entry
 * out when it is answered: the second time that is an entry that was never sent. And an answer that
 * arrives while no loop runs is stored nowhere.
 *
 * Here a request of a loop that was stopped fails at once, with the words upon which the loop ends and
 * the entry stays. If it had arrived, the entry is sent twice, which the API recognises by its version.
 */

import { isMutation, NetworkError, type Answer, type Ask } from "./wire";

export class OneLoop {
  #turn = 0;
  readonly #stops = new Set<() => void>();

  /** Next to the network: what the other cures still do for a loop that was stopped, they do not finish. */
  readonly inside = (inner: Ask): Ask => {
    return async (request) => {
      if (request.turn === undefined) return inner(request);
      if (request.turn !== this.#turn) throw new NetworkError();
      return this.#untilStopped(inner(request));
    };
  };

  /** Next to DataStore, which hears of the stop while no other loop runs: later it would begin another. */
  readonly outside = (inner: Ask): Ask => {
    return async (request) => {
      if (!isMutation(request.operation)) return inner(request);
      return this.#untilStopped(inner({ ...request, turn: this.#turn }));
    };
  };

  /** DataStore has been told `offline`, and has stopped its loop. */
  stopped(): void {
    this.#turn += 1;
    for (const stop of this.#stops) stop();
  }

  async #untilStopped(answer: Promise<Answer>): Promise<Answer> {
    let stop = () => {};
    const stopped = new Promise<never>((_, reject) => (stop = () => reject(new NetworkError())));
    this.#stops.add(stop);
    try {
      return await Promise.race([answer, stopped]);
    } finally {
      this.#stops.delete(stop);
    }
  }
}
