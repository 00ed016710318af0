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

import { isMutation, NetworkError, type Ask } from "./wire";

export class OneLoop {
  #turn = 0;
  #running = false;
  #stops = new Set<() => void>();

  /** Next to the network: what must not be sent, or not be waited for. */
  readonly inside = (inner: Ask): Ask => {
    return async (request) => {
      if (!isMutation(request.operation)) return inner(request);
      if (!this.#running) throw new NetworkError();
      let stop = () => {};
      const stopped = new Promise<never>((_, reject) => (stop = () => reject(new NetworkError())));
      this.#stops.add(stop);
      try {
        return await Promise.race([inner(request), stopped]);
      } finally {
        this.#stops.delete(stop);
      }
    };
  };

  /** Next to DataStore: what the other cures had still to do for a loop that was stopped. */
  readonly outside = (inner: Ask): Ask => {
    return async (request) => {
      const turn = this.#turn;
      const answer = await inner(request);
      if (isMutation(request.operation) && turn !== this.#turn) throw new NetworkError();
      return answer;
    };
  };

  /** DataStore has synchronised, and starts its loop. */
  started(): void {
    this.#running = true;
  }

  /** DataStore has been told `offline`, and has stopped its loop. */
  stopped(): void {
    this.#running = false;
    this.#turn += 1;
    for (const stop of this.#stops) stop();
  }
}
