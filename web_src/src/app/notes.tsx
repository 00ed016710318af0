/** What was written on a work order. */

import { DataStore } from "aws-amplify/datastore";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Note, type WorkOrder } from "../../../models/datastore/index.js";
import type { Client } from "../sync/client";
import { dayAndTime } from "./days";
import { OpenRow } from "./open_row";
import { may, type User } from "./owner";
import { Field, Form, Unsent, type Deletion } from "./parts";
import { useOpen, withOpen, type Rows } from "./rows";

interface NotesProperties {
  client: Client;
  user: User;
  rows: Rows;
  unsent: ReadonlySet<string>;
  order: WorkOrder;
}

export function Notes(properties: NotesProperties): JSX.Element {
  const { user, rows, order } = properties;
  const [open, setOpen] = useState<string>();
  const close = () => setOpen(undefined);
  const kept = useOpen(rows.notes, open);
  const written = withOpen(rows.notes, kept)
    .filter((note) => note.workOrderID === order.id)
    .toSorted((one, other) => other.writtenAt.localeCompare(one.writtenAt));
  return (
    <>
      <header class="heading">
        <h2>Notes</h2>
        {may(user, "create", "Note") && <button onClick={() => setOpen("new")}>New note</button>}
      </header>
      {open === "new" && <NoteForm {...properties} onDone={close} />}
      {written.length === 0 && open !== "new" && <p class="none">No notes yet.</p>}
      <ul class="list">
        {written.map((note) => (
          <li key={note.id}>
            {open === note.id ? (
              <NoteForm {...properties} note={note} onDone={close} />
            ) : (
              <NoteRow {...properties} note={note} onOpen={() => setOpen(note.id)} />
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function NoteRow({ note, unsent, onOpen }: NotesProperties & { note: Note; onOpen: () => void }): JSX.Element {
  return (
    <button class="card row" onClick={onOpen}>
      <span class="text">{note.text}</span>
      <span class="detail">
        {dayAndTime(note.writtenAt)} <Unsent when={unsent.has(note.id)} />
      </span>
    </button>
  );
}

/** Somebody else's can be read and, by who may, deleted. */
function NoteForm(properties: NotesProperties & { note?: Note; onDone: () => void }): JSX.Element {
  const { client, user, rows, order, note, onDone } = properties;
  const [open] = useState(() => note && new OpenRow(client, Note, note));
  const [text, setText] = useState(note?.text ?? "");
  const save = async () => {
    if (open) await open.save({ text });
    else await DataStore.save(new Note({ text, writtenAt: new Date().toISOString(), workOrder: order } as never));
    onDone();
  };
  const mine = !note || may(user, "update", "Note", note);
  return (
    <Form
      title={!note ? "New note" : mine ? "Edit note" : "Note"}
      onSubmit={mine ? save : undefined}
      onCancel={onDone}
      gone={note && !rows.notes.includes(note)}
      deletion={note && may(user, "delete", "Note", note) ? deletionOf(note, onDone) : undefined}
    >
      {mine ? (
        <Field label="Text" value={text} onInput={setText} lines={4} required />
      ) : (
        <p class="text">{note.text}</p>
      )}
    </Form>
  );
}

function deletionOf(note: Note, onDone: () => void): Deletion {
  return {
    question: { title: "Delete this note?", text: "It will be deleted for everybody who can read it.", action: "Delete" },
    onDelete: async () => {
      await DataStore.delete(Note, note.id);
      onDone();
    },
  };
}
