/** What the screen shows, kept up to date. */

import { DataStore } from "aws-amplify/datastore";
import { Hub } from "aws-amplify/utils";
import { useEffect, useRef, useState } from "preact/hooks";

import { Note, Site, WorkOrder } from "../../../models/datastore/index.js";
import type { Client } from "../sync/client";
import type { Notice } from "../sync/notices";
import type { Waiting } from "../sync/outbox";
import type { State } from "../sync/reachability";

const TOGETHER_MS = 40;
const AGAIN_MS = 1_000;

export interface Rows {
  readonly sites: readonly Site[];
  readonly orders: readonly WorkOrder[];
  readonly notes: readonly Note[];
  /** Whether they are all that the server has, as far as this device may read it. */
  readonly complete: boolean;
}

/** All rows; undefined until they have been read. */
export function useRows(): Rows | undefined {
  const [rows, setRows] = useState<Rows>();
  useEffect(() => {
    let synchronised = false;
    const read = together(async () => {
      const complete = synchronised;
      const [sites, orders, notes] = await Promise.all([DataStore.query(Site), DataStore.query(WorkOrder), DataStore.query(Note)]);
      setRows({ sites, orders, notes, complete });
    });
    read();
    const watching = [Site, WorkOrder, Note].map((model) => DataStore.observe(model as typeof Site).subscribe(read));
    const endListening = Hub.listen("datastore", ({ payload: { event } }) => {
      if (event !== "syncQueriesStarted" && event !== "syncQueriesReady") return;
      synchronised = event === "syncQueriesReady";
      read();
    });
    return () => {
      endListening();
      for (const each of watching) each.unsubscribe();
    };
  }, []);
  return rows;
}

/**
 * The row that is open, which stays as it was when somebody deletes it: what is being written in a form
 * would go with it.
 */
export function useOpen<Row extends { readonly id: string }>(rows: readonly Row[], id: string | undefined): Row | undefined {
  const last = useRef<Row | undefined>(undefined);
  const row = rows.find((each) => each.id === id);
  if (row) last.current = row;
  return row ?? (last.current?.id === id ? last.current : undefined);
}

/** A list with the row that is open in it. */
export function withOpen<Row>(rows: readonly Row[], open: Row | undefined): readonly Row[] {
  return !open || rows.includes(open) ? rows : [...rows, open];
}

export interface SyncStatus {
  readonly state: State;
  readonly waiting: readonly Waiting[];
  readonly notices: readonly Notice[];
}

export function useSync(client: Client): SyncStatus {
  const [state, setState] = useState(client.reachability.state);
  const [notices, setNotices] = useState(client.notices.all);
  const [waiting, setWaiting] = useState<readonly Waiting[]>([]);
  useEffect(() => {
    const count = together(async () => setWaiting(await client.waiting()));
    count();
    const ends = [
      client.reachability.onChange(setState),
      client.notices.onChange(setNotices),
      Hub.listen("datastore", ({ payload: { event } }) => {
        if (event.startsWith("outbox")) count();
      }),
    ];
    return () => ends.forEach((end) => end());
  }, [client]);
  return { state, waiting, notices };
}

/** How this device stands with the server; `online` is up to date. */
export type Standing = State | "synchronising";

/** Up to date is what the screen shows, not only what the device has. */
export function standingOf(status: SyncStatus, rows: Rows | undefined): Standing {
  if (status.state !== "online") return status.state;
  return rows?.complete ? "online" : "synchronising";
}

/**
 * Many events at once are one reading, and one reading is over before the next begins. One that fails
 * is told to the console, and made again soon: what it would have shown may be the last that happens.
 */
function together(read: () => Promise<unknown>): () => void {
  let planned = false;
  let reading = Promise.resolve<unknown>(undefined);
  const again = (): void => {
    if (planned) return;
    planned = true;
    setTimeout(() => {
      reading = reading
        .then(() => {
          planned = false;
          return read();
        })
        .catch((error: unknown) => {
          console.warn("what is shown could not be read", error);
          setTimeout(again, AGAIN_MS);
        });
    }, TOGETHER_MS);
  };
  return again;
}
