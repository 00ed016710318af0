/**
 * One page at a time. Two tabs share a store and an outbox, and each would empty it: see
 * `sync/one_loop.ts` for what two loops do. The browser's lock goes with its page, however that ends.
 */

const LOCK = "groundwork.page";
/** A page that is being reloaded lets go a moment later. */
const PATIENCE_MS = 1_500;

/** Whether this page is the one now. `takenOver` is called when another one takes its place. */
export function becomeThePage(takenOver: () => void, { force = false } = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const options = force ? { steal: true } : { signal: AbortSignal.timeout(PATIENCE_MS) };
    let held = false;
    navigator.locks
      .request(LOCK, options, () => {
        held = true;
        resolve(true);
        return new Promise<never>(() => {});
      })
      .catch(() => (held ? takenOver() : resolve(false)));
  });
}
