/** The places where work is done. */

import { DataStore } from "aws-amplify/datastore";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Site, type WorkOrder } from "../../../models/datastore/index.js";
import { edit, type Client } from "../sync/client";
import { changesOf, Empty, Field, Form, listOf, Unsent } from "./parts";

export function Sites(properties: {
  client: Client;
  sites: readonly Site[];
  orders: readonly WorkOrder[];
  unsent: ReadonlySet<string>;
}): JSX.Element {
  const { client, sites, orders, unsent } = properties;
  const [editing, setEditing] = useState<string>();
  const done = () => setEditing(undefined);
  return (
    <section aria-label="Sites">
      <header class="heading">
        <h1>Sites</h1>
        <button class="primary" onClick={() => setEditing("new")}>
          New site
        </button>
      </header>
      {editing === "new" && <SiteForm client={client} onDone={done} />}
      {sites.length === 0 && editing !== "new" && (
        <Empty icon="sites">No sites yet. A site is where work is done: an address, a phone number, how to get in.</Empty>
      )}
      <ul class="list">
        {sites.toSorted((one, other) => one.name.localeCompare(other.name)).map((site) =>
          editing === site.id ? (
            <li key={site.id}>
              <SiteForm client={client} site={site} onDone={done} />
            </li>
          ) : (
            <li key={site.id}>
              <button class="card row" onClick={() => setEditing(site.id)}>
                <span class="title">
                  {site.name} <Unsent when={unsent.has(site.id)} />
                </span>
                <span class="detail">
                  {[site.address?.street, site.address?.city].filter(Boolean).join(", ") || "no address"}
                  {" · "}
                  {counted(orders.filter((order) => order.siteID === site.id).length)}
                </span>
                {site.accessHints?.length ? <span class="detail">{site.accessHints.join(" · ")}</span> : null}
              </button>
            </li>
          ),
        )}
      </ul>
    </section>
  );
}

function SiteForm({ client, site, onDone }: { client: Client; site?: Site; onDone: () => void }): JSX.Element {
  const [name, setName] = useState(site?.name ?? "");
  const [street, setStreet] = useState(site?.address?.street ?? "");
  const [city, setCity] = useState(site?.address?.city ?? "");
  const [phone, setPhone] = useState(site?.phone ?? "");
  const [hints, setHints] = useState(site?.accessHints?.join(", ") ?? "");
  const save = async () => {
    const address = street || city ? { ...site?.address, street: street || null, city: city || null } : null;
    const values = { name, address, phone: phone || null, accessHints: listOf(hints) };
    if (site) await edit(client, Site, site, changesOf(site, values));
    else await DataStore.save(new Site(values));
    onDone();
  };
  const remove = async () => {
    await DataStore.delete(Site, site!.id);
    onDone();
  };
  return (
    <Form
      title={site ? "Edit site" : "New site"}
      onSubmit={save}
      onCancel={onDone}
      {...(site ? { onDelete: remove } : {})}
    >
      <Field label="Name" value={name} onInput={setName} required />
      <Field label="Street" value={street} onInput={setStreet} />
      <Field label="City" value={city} onInput={setCity} />
      <Field label="Phone" value={phone} onInput={setPhone} type="tel" />
      <Field label="Access hints, separated by commas" value={hints} onInput={setHints} />
    </Form>
  );
}

function counted(number: number): string {
  return number === 1 ? "1 work order" : `${number} work orders`;
}
