/** What the screen shows, kept up to date. */

import { DataStore, type PersistentModel, type PersistentModelConstructor } from "aws-amplify/datastore";
import { Hub } from "aws-amplify/utils";
import { useEffect, useState } from "preact/hooks";

import type { Client } from "../sync/client";
import type { Notice } from "../sync/notices";
import type { Waiting } from "../sync/outbox";
import type { State } from "../sync/reachability";

const TOGETHER_MS = 40;

/** All rows of a model; undefined until they have been read. */
export function useRows<Model extends PersistentModel>(
  constructor: PersistentModelConstructor<Model>,
): readonly Model[] | undefined {
  const [rows, setRows] = useState<readonly Model[]>();
  useEffect(() => {
    const read = together(async () => setRows(await DataStore.query(constructor)));
    read();
    const watching = DataStore.observe(constructor).subscribe(read);
    return () => watching.unsubscribe();
  }, [constructor]);
  return rows;
}

export interface SyncStatus {
  readonly state: State;
  readonly synchronised: boolean;
  readonly waiting: readonly Waiting[];
  readonly notices: readonly Notice[];
}

export function useSync(client: Client): SyncStatus {
  const [state, setState] = useState(client.reachability.state);
  const [notices, setNotices] = useState(client.notices.all);
  const [waiting, setWaiting] = useState<readonly Waiting[]>([]);
  const [synchronised, setSynchronised] = useState(false);
  useEffect(() => {
    const count = together(async () => setWaiting(await client.waiting()));
    count();
    const ends = [
      client.reachability.onChange(setState),
      client.notices.onChange(setNotices),
      Hub.listen("datastore", ({ payload: { event } }) => {
        if (event.startsWith("outbox")) count();
        if (event === "syncQueriesReady") setSynchronised(true);
        if (event === "syncQueriesStarted") setSynchronised(false);
      }),
    ];
    return () => ends.forEach((end) => end());
  }, [client]);
  return { state, synchronised, waiting, notices };
}

/** Many events at once are one reading. */
function together(read: () => Promise<unknown>): () => void {
  let planned: ReturnType<typeof setTimeout> | undefined;
  return () => {
    planned ??= setTimeout(() => {
      planned = undefined;
      void read();
    }, TOGETHER_MS);
  };
}
