/** The places where work is done. */

import { DataStore } from "aws-amplify/datastore";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Site } from "../../../models/datastore/index.js";
import type { Client } from "../sync/client";
import { OpenRow } from "./open_row";
import { may, type User } from "./owner";
import { Empty, Field, Form, listOf, Unsent, type Deletion } from "./parts";
import { addressOf, Place } from "./place";
import { useOpen, withOpen, type Rows, type Standing } from "./rows";
import { counted, once } from "./words";

export interface SitesProperties {
  client: Client;
  user: User;
  rows: Rows;
  standing: Standing;
  unsent: ReadonlySet<string>;
}

export function Sites(properties: SitesProperties): JSX.Element {
  const { user, rows, standing } = properties;
  const [open, setOpen] = useState<string>();
  const sites = withOpen(rows.sites, useOpen(rows.sites, open));
  const close = () => setOpen(undefined);
  const mayCreate = may(user, "create", "Site");
  return (
    <section aria-label="Sites">
      <header class="heading">
        <h1>Sites</h1>
        {mayCreate && (
          <button class="primary" onClick={() => setOpen("new")}>
            New site
          </button>
        )}
      </header>
      {open === "new" && <SiteForm {...properties} onDone={close} />}
      {sites.length === 0 && open !== "new" && (
        <Empty icon="sites" standing={standing} what="sites">
          No sites yet. {mayCreate ? "A site is where work is done: an address, a phone number, how to get in." : "Dispatchers add them."}
        </Empty>
      )}
      <ul class="list">
        {sites.toSorted((one, other) => one.name.localeCompare(other.name)).map((site) => (
          <li key={site.id}>
            {open !== site.id ? (
              <SiteRow {...properties} site={site} onOpen={() => setOpen(site.id)} />
            ) : may(user, "update", "Site", site) ? (
              <SiteForm {...properties} site={site} onDone={close} />
            ) : (
              <SiteCard site={site} onDone={close} />
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function SiteRow({ site, rows, unsent, onOpen }: SitesProperties & { site: Site; onOpen: () => void }): JSX.Element {
  const hints = once(site.accessHints);
  return (
    <button class="card row" onClick={onOpen}>
      <span class="title">
        {site.name} <Unsent when={unsent.has(site.id)} />
      </span>
      <span class="detail">
        {addressOf(site) || "no address"}
        {" · "}
        {counted(rows.orders.filter((order) => order.siteID === site.id).length, "work order")}
      </span>
      {hints.length ? <span class="detail">{hints.join(" · ")}</span> : null}
    </button>
  );
}

/** For those who may read it and no more. */
function SiteCard({ site, onDone }: { site: Site; onDone: () => void }): JSX.Element {
  return (
    <section class="card form" aria-label={site.name}>
      <h2>{site.name}</h2>
      <Place site={site} />
      <div class="actions">
        <button onClick={onDone}>Close</button>
      </div>
    </section>
  );
}

function SiteForm(properties: SitesProperties & { site?: Site; onDone: () => void }): JSX.Element {
  const { client, user, rows, site, onDone } = properties;
  const [open] = useState(() => site && new OpenRow(client, Site, site));
  const [name, setName] = useState(site?.name ?? "");
  const [street, setStreet] = useState(site?.address?.street ?? "");
  const [city, setCity] = useState(site?.address?.city ?? "");
  const [phone, setPhone] = useState(site?.phone ?? "");
  const [hints, setHints] = useState(once(site?.accessHints).join(", "));
  const save = async () => {
    const address = { street: street || null, city: city || null };
    const values = { name, address, phone: phone || null, accessHints: listOf(hints) };
    if (open) await open.save(values);
    else await DataStore.save(new Site({ ...values, address: street || city ? address : null }));
    onDone();
  };
  return (
    <Form
      title={site ? "Edit site" : "New site"}
      onSubmit={save}
      onCancel={onDone}
      gone={site && !rows.sites.includes(site)}
      deletion={site && may(user, "delete", "Site", site) ? deletionOf(site, rows, onDone) : undefined}
    >
      <Field label="Name" value={name} onInput={setName} required />
      <div class="pair">
        <Field label="Street" value={street} onInput={setStreet} />
        <Field label="City" value={city} onInput={setCity} />
      </div>
      <Field label="Phone" value={phone} onInput={setPhone} type="tel" />
      <Field label="Access hints, separated by commas" value={hints} onInput={setHints} />
    </Form>
  );
}

/** DataStore deletes what belongs to it too. */
function deletionOf(site: Site, { orders, notes }: Rows, onDone: () => void): Deletion {
  const lost = orders.filter((order) => order.siteID === site.id);
  const ids = new Set(lost.map((order) => order.id));
  const written = notes.filter((note) => ids.has(note.workOrderID)).length;
  const more = lost.length
    ? `${counted(lost.length, "work order")}${written ? ` and ${counted(written, "note")}` : ""} will be deleted with it, for everybody.`
    : "It will be deleted for everybody.";
  return {
    question: { title: `Delete the site ${site.name}?`, text: more, action: "Delete" },
    onDelete: async () => {
      await DataStore.delete(Site, site.id);
      onDone();
    },
  };
}
