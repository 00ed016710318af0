/** Work to be done, and the notes that were taken on it. */

import { DataStore } from "aws-amplify/datastore";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Note, WorkOrder, WorkOrderStatus, type Site } from "../../../models/datastore/index.js";
import { edit, type Client } from "../sync/client";
import { changesOf, Choice, Empty, Field, Form, listOf, Unsent } from "./parts";

const STATUS: readonly (readonly [string, string])[] = [
  ["PLANNED", "planned"],
  ["IN_PROGRESS", "in progress"],
  ["DONE", "done"],
  ["CANCELLED", "cancelled"],
];
const FINISHED: ReadonlySet<string> = new Set(["DONE", "CANCELLED"]);
const TEXT: Readonly<Record<string, string>> = Object.fromEntries(STATUS);

export interface OrdersProperties {
  client: Client;
  sites: readonly Site[];
  orders: readonly WorkOrder[];
  notes: readonly Note[];
  unsent: ReadonlySet<string>;
  chosen: string | undefined;
  onChoose: (id: string | undefined) => void;
  /** Where sites are made. */
  onSites: () => void;
}

export function WorkOrders(properties: OrdersProperties): JSX.Element {
  const { chosen, orders } = properties;
  const order = orders.find((each) => each.id === chosen);
  return (
    <div class={order ? "two one-chosen" : "two"}>
      <Overview {...properties} />
      {order ? (
        <Order key={order.id} {...properties} order={order} />
      ) : (
        <p class="unchosen">Choose a work order to read and change it.</p>
      )}
    </div>
  );
}

/** Beside the work order that was chosen where there is room, in its place where there is not. */
function Overview(properties: OrdersProperties): JSX.Element {
  const { sites, orders, chosen, onChoose, onSites } = properties;
  const sorted = orders.toSorted((one, other) => one.scheduledFor.localeCompare(other.scheduledFor));
  const open = sorted.filter((each) => !FINISHED.has(each.status));
  const finished = sorted.filter((each) => FINISHED.has(each.status)).toReversed();
  return (
    <section class="overview" aria-label="Work orders">
      <header class="heading">
        <h1>Work orders</h1>
        <button class="primary" disabled={sites.length === 0} onClick={() => onChoose("new")}>
          New work order
        </button>
      </header>
      {chosen === "new" && <OrderForm {...properties} onDone={() => onChoose(undefined)} />}
      {orders.length === 0 && chosen !== "new" && (
        <Empty
          icon="orders"
          action={!sites.length && <button class="primary" onClick={onSites}>Go to sites</button>}
        >
          {sites.length ? "No work orders yet." : "No work orders yet. They belong to a site: add one first."}
        </Empty>
      )}
      <OrderList {...properties} orders={open} />
      {finished.length > 0 && <h2 class="divider">Finished</h2>}
      <OrderList {...properties} orders={finished} />
    </section>
  );
}

function OrderList(properties: OrdersProperties): JSX.Element {
  return (
    <ul class="list">
      {properties.orders.map((each) => (
        <li key={each.id}>
          <OrderRow {...properties} order={each} />
        </li>
      ))}
    </ul>
  );
}

function OrderRow({ order, sites, notes, unsent, chosen, onChoose }: OrdersProperties & { order: WorkOrder }): JSX.Element {
  const taken = notes.filter((note) => note.workOrderID === order.id);
  return (
    <button class="card row" aria-current={chosen === order.id ? "true" : undefined} onClick={() => onChoose(order.id)}>
      <span class="title">
        {order.title} <Status of={order} />{" "}
        <Unsent when={unsent.has(order.id) || taken.some((note) => unsent.has(note.id))} />
      </span>
      <span class="detail">
        {sites.find((site) => site.id === order.siteID)?.name ?? "unknown site"} · {day(order.scheduledFor)}
        {order.assignee ? ` · ${order.assignee}` : ""}
        {taken.length ? ` · ${taken.length} ${taken.length === 1 ? "note" : "notes"}` : ""}
      </span>
      {order.tags?.length ? (
        <span class="tags">
          {order.tags.map((tag) => (
            <span key={tag}>{tag}</span>
          ))}
        </span>
      ) : null}
    </button>
  );
}

function Order(properties: OrdersProperties & { order: WorkOrder }): JSX.Element {
  const { client, order, notes, unsent, onChoose } = properties;
  const [writing, setWriting] = useState<string>();
  const taken = notes
    .filter((note) => note.workOrderID === order.id)
    .toSorted((one, other) => other.writtenAt.localeCompare(one.writtenAt));
  return (
    <section class="chosen" aria-label={order.title}>
      <button class="back" onClick={() => onChoose(undefined)}>
        ‹ Work orders
      </button>
      <OrderForm key={order.id} {...properties} onDone={() => onChoose(undefined)} />
      <header class="heading">
        <h2>Notes</h2>
        <button onClick={() => setWriting("new")}>New note</button>
      </header>
      {writing === "new" && <NoteForm client={client} order={order} onDone={() => setWriting(undefined)} />}
      {taken.length === 0 && writing !== "new" && <p class="none">No notes yet.</p>}
      <ul class="list">
        {taken.map((note) => (
          <li key={note.id}>
            {writing === note.id ? (
              <NoteForm client={client} order={order} note={note} onDone={() => setWriting(undefined)} />
            ) : (
              <button class="card row" onClick={() => setWriting(note.id)}>
                <span class="text">{note.text}</span>
                <span class="detail">
                  {moment(note.writtenAt)} <Unsent when={unsent.has(note.id)} />
                </span>
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function OrderForm(properties: OrdersProperties & { order?: WorkOrder; onDone: () => void }): JSX.Element {
  const { client, sites, order, unsent, onDone } = properties;
  // What was opened is what its author saw, whatever arrives meanwhile.
  const [opened] = useState(order);
  const [title, setTitle] = useState(order?.title ?? "");
  const [siteID, setSite] = useState(order?.siteID ?? sites[0]?.id ?? "");
  const [status, setStatus] = useState<string>(order?.status ?? "PLANNED");
  const [scheduled, setScheduled] = useState((order?.scheduledFor ?? tomorrow()).slice(0, 10));
  const [assignee, setAssignee] = useState(order?.assignee ?? "");
  const [description, setDescription] = useState(order?.description ?? "");
  const [tags, setTags] = useState(order?.tags?.join(", ") ?? "");
  const save = async () => {
    const values = {
      title,
      status: status as WorkOrderStatus,
      scheduledFor: order?.scheduledFor.startsWith(scheduled) ? order.scheduledFor : `${scheduled}T08:00:00.000Z`,
      assignee: assignee || null,
      description: description || null,
      tags: listOf(tags),
    };
    if (order && opened) {
      const { tags: listed, ...others } = changesOf(opened, values);
      const changed = listed && (listed.length || opened.tags?.length) ? { ...others, tags: listed } : others;
      await edit(client, WorkOrder, order, changed as Partial<WorkOrder>);
    } else {
      await DataStore.save(new WorkOrder({ ...values, site: sites.find((each) => each.id === siteID)! } as never));
    }
    onDone();
  };
  const remove = async () => {
    await DataStore.delete(WorkOrder, order!.id);
    onDone();
  };
  return (
    <Form
      title={order ? order.title : "New work order"}
      onSubmit={save}
      onCancel={onDone}
      {...(order ? { onDelete: remove } : {})}
    >
      {order && <Unsent when={unsent.has(order.id)} />}
      <Field label="Title" value={title} onInput={setTitle} required />
      <div class="pair">
        {order ? (
          <Choice label="Status" value={status} options={STATUS} onChange={setStatus} />
        ) : (
          <Choice label="Site" value={siteID} options={sites.map((site) => [site.id, site.name])} onChange={setSite} />
        )}
        <Field label="Day" value={scheduled} onInput={setScheduled} type="date" required />
      </div>
      <div class="pair">
        <Field label="Assignee" value={assignee} onInput={setAssignee} />
        <Field label="Tags, separated by commas" value={tags} onInput={setTags} />
      </div>
      <Field label="Description" value={description} onInput={setDescription} lines={3} />
    </Form>
  );
}

function NoteForm(properties: { client: Client; order: WorkOrder; note?: Note; onDone: () => void }): JSX.Element {
  const { client, order, note, onDone } = properties;
  const [text, setText] = useState(note?.text ?? "");
  const save = async () => {
    if (note) await edit(client, Note, note, changesOf(note, { text }));
    else await DataStore.save(new Note({ text, writtenAt: new Date().toISOString(), workOrder: order } as never));
    onDone();
  };
  const remove = async () => {
    await DataStore.delete(Note, note!.id);
    onDone();
  };
  return (
    <Form title={note ? "Edit note" : "New note"} onSubmit={save} onCancel={onDone} {...(note ? { onDelete: remove } : {})}>
      <Field label="Text" value={text} onInput={setText} lines={4} required />
    </Form>
  );
}

function Status({ of: order }: { of: WorkOrder }): JSX.Element {
  return <span class={`status ${order.status.toLowerCase()}`}>{TEXT[order.status]}</span>;
}

function tomorrow(): string {
  return new Date(Date.now() + 24 * 3600 * 1000).toISOString();
}

function day(iso: string): string {
  return new Date(iso).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
}

function moment(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
