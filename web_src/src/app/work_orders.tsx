/** Work to be done, and the notes that were taken on it. */

import { DataStore } from "aws-amplify/datastore";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { WorkOrder, WorkOrderStatus } from "../../../models/datastore/index.js";
import type { Client } from "../sync/client";
import { beginOf, dayOf, shortDay, tomorrow } from "./days";
import { Notes } from "./notes";
import { OpenRow } from "./open_row";
import { may, type User } from "./owner";
import { Choice, Empty, Field, Form, listOf, Unsent, type Deletion } from "./parts";
import { Place } from "./place";
import { useOpen, type Rows, type Standing } from "./rows";
import { counted, once } from "./words";

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
  user: User;
  rows: Rows;
  standing: Standing;
  unsent: ReadonlySet<string>;
  chosen: string | undefined;
  onChoose: (id: string | undefined) => void;
  /** Where sites are made. */
  onSites: () => void;
}

export function WorkOrders(properties: OrdersProperties): JSX.Element {
  const { chosen, rows } = properties;
  const order = useOpen(rows.orders, chosen);
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
  const { user, rows, standing, chosen, onChoose } = properties;
  const sorted = rows.orders.toSorted((one, other) => one.scheduledFor.localeCompare(other.scheduledFor));
  const open = sorted.filter((each) => !FINISHED.has(each.status));
  const finished = sorted.filter((each) => FINISHED.has(each.status)).toReversed();
  return (
    <section class="overview" aria-label="Work orders">
      <header class="heading">
        <h1>Work orders</h1>
        {may(user, "create", "WorkOrder") && (
          <button class="primary" disabled={rows.sites.length === 0} onClick={() => onChoose("new")}>
            New work order
          </button>
        )}
      </header>
      {chosen === "new" && <OrderForm {...properties} onDone={() => onChoose(undefined)} />}
      {rows.orders.length === 0 && chosen !== "new" && <NoOrders {...properties} standing={standing} />}
      <OrderList {...properties} orders={open} />
      {finished.length > 0 && <h2 class="divider">Finished</h2>}
      <OrderList {...properties} orders={finished} />
    </section>
  );
}

function NoOrders({ user, rows, standing, onSites }: OrdersProperties): JSX.Element {
  const toSites = may(user, "create", "Site") && !rows.sites.length;
  return (
    <Empty
      icon="orders"
      standing={standing}
      what="work orders"
      action={
        toSites && (
          <button class="primary" onClick={onSites}>
            Go to sites
          </button>
        )
      }
    >
      {toSites ? "No work orders yet. They belong to a site: add one first." : "No work orders yet."}
    </Empty>
  );
}

function OrderList(properties: OrdersProperties & { orders: readonly WorkOrder[] }): JSX.Element {
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

function OrderRow({ order, rows, unsent, chosen, onChoose }: OrdersProperties & { order: WorkOrder }): JSX.Element {
  const taken = rows.notes.filter((note) => note.workOrderID === order.id);
  return (
    <button class="card row" aria-current={chosen === order.id ? "true" : undefined} onClick={() => onChoose(order.id)}>
      <span class="title">
        {order.title} <Status of={order} />{" "}
        <Unsent when={unsent.has(order.id) || taken.some((note) => unsent.has(note.id))} />
      </span>
      <span class="detail">
        {rows.sites.find((site) => site.id === order.siteID)?.name ?? "unknown site"} · {shortDay(order.scheduledFor)}
        {order.assignee ? ` · ${order.assignee}` : ""}
        {taken.length ? ` · ${counted(taken.length, "note")}` : ""}
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
  const { rows, order, onChoose } = properties;
  const site = rows.sites.find((each) => each.id === order.siteID);
  return (
    <section class="chosen" aria-label={order.title}>
      <button class="back" onClick={() => onChoose(undefined)}>
        ‹ Work orders
      </button>
      {site && (
        <section class="card where" aria-label="Where">
          <h2>{site.name}</h2>
          <Place site={site} />
        </section>
      )}
      <OrderForm {...properties} onDone={() => onChoose(undefined)} />
      <Notes {...properties} />
    </section>
  );
}

function OrderForm(properties: OrdersProperties & { order?: WorkOrder; onDone: () => void }): JSX.Element {
  const { client, user, rows, order, unsent, onDone } = properties;
  const { sites } = rows;
  const [open] = useState(() => order && new OpenRow(client, WorkOrder, order));
  const [title, setTitle] = useState(order?.title ?? "");
  const [siteID, setSite] = useState(order?.siteID ?? sites[0]?.id ?? "");
  const [status, setStatus] = useState<string>(order?.status ?? "PLANNED");
  const [day, setDay] = useState(order ? dayOf(order.scheduledFor) : tomorrow());
  const [assignee, setAssignee] = useState(order?.assignee ?? "");
  const [description, setDescription] = useState(order?.description ?? "");
  const [tags, setTags] = useState(once(order?.tags).join(", "));
  const save = async () => {
    const planned = open?.opened.scheduledFor;
    const values = {
      title,
      status: status as WorkOrderStatus,
      scheduledFor: planned && dayOf(planned) === day ? planned : beginOf(day),
      assignee: assignee || null,
      description: description || null,
      tags: listOf(tags),
    };
    if (open) await open.save(values);
    else await DataStore.save(new WorkOrder({ ...values, site: sites.find((each) => each.id === siteID)! } as never));
    onDone();
  };
  return (
    <Form
      title={order ? order.title : "New work order"}
      onSubmit={save}
      onCancel={onDone}
      gone={order && !rows.orders.includes(order)}
      deletion={order && may(user, "delete", "WorkOrder", order) ? deletionOf(order, rows, onDone) : undefined}
    >
      {order && <Unsent when={unsent.has(order.id)} />}
      <Field label="Title" value={title} onInput={setTitle} required />
      <div class="pair">
        {order ? (
          <Choice label="Status" value={status} options={STATUS} onChange={setStatus} />
        ) : (
          <Choice label="Site" value={siteID} options={sites.map((site) => [site.id, site.name])} onChange={setSite} />
        )}
        <Field label="Day" value={day} onInput={setDay} type="date" required />
      </div>
      <div class="pair">
        <Field label="Assignee" value={assignee} onInput={setAssignee} />
        <Field label="Tags, separated by commas" value={tags} onInput={setTags} />
      </div>
      <Field label="Description" value={description} onInput={setDescription} lines={3} />
    </Form>
  );
}

/** DataStore deletes its notes too. */
function deletionOf(order: WorkOrder, { notes }: Rows, onDone: () => void): Deletion {
  const written = notes.filter((note) => note.workOrderID === order.id).length;
  const more = written ? `${counted(written, "note")} will be deleted with it, for everybody.` : "It will be deleted for everybody.";
  return {
    question: { title: `Delete the work order ${order.title}?`, text: more, action: "Delete" },
    onDelete: async () => {
      await DataStore.delete(WorkOrder, order.id);
      onDone();
    },
  };
}

function Status({ of: order }: { of: WorkOrder }): JSX.Element {
  return <span class={`status ${order.status.toLowerCase()}`}>{TEXT[order.status]}</span>;
}
