/**
 * What waits to be sent. DataStore says only whether its outbox is empty; who is about to close an
 * app wants to know how much is in it, and a row whether it is in it. Read where DataStore keeps it, never written.
 */

const DATABASE = "amplify-datastore";
const STORE = "sync_MutationEvent";

export interface Waiting {
  readonly id: string;
  readonly model: string;
  readonly modelId: string;
  readonly operation: "Create" | "Update" | "Delete";
  /** JSON: of an update `id`, `_version` and what changed, otherwise the row. */
  readonly data: string;
  /** JSON, `{}` if there is none. */
  readonly condition: string;
}

export function waiting(factory: IDBFactory): Promise<readonly Waiting[]> {
  return new Promise((resolve, reject) => {
    const opening = factory.open(DATABASE);
    // DataStore has not made it yet: leave that to DataStore.
    opening.onupgradeneeded = () => opening.transaction?.abort();
    opening.onerror = () => resolve([]);
    opening.onsuccess = () => {
      const database = opening.result;
      if (!database.objectStoreNames.contains(STORE)) {
        database.close();
        resolve([]);
        return;
      }
      const failed = (error: unknown) => {
        database.close();
        reject(error instanceof Error ? error : new Error(`${STORE} cannot be read`));
      };
      try {
        const reading = database.transaction(STORE, "readonly").objectStore(STORE).getAll();
        reading.onerror = () => failed(reading.error);
        reading.onsuccess = () => {
          database.close();
          resolve(reading.result as Waiting[]);
        };
      } catch (error) {
        failed(error);
      }
    };
  });
}
