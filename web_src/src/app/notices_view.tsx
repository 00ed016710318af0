/** What became of edits that did not end as they were made. */

import type { JSX } from "preact";

import type { Notice, NoticeField, Notices } from "../sync/notices";
import { Empty } from "./parts";
import { nameOf, shown } from "./words";

const SAID: Readonly<Record<Notice["kind"], string>> = {
  "theirs-kept": "Somebody else had changed this. Theirs was kept:",
  "ours-kept": "Yours was written over what somebody else, or your other device, had written:",
  "deleted-elsewhere": "This was deleted elsewhere. You had written:",
  "not-deleted": "It was changed elsewhere since you saw it, and was not deleted.",
  replaced: "Somebody has changed this after you:",
  refused: "The server did not accept this, and it was undone:",
};
const NAMES: Readonly<Record<string, string>> = { WorkOrder: "Work order", Site: "Site", Note: "Note" };
export function NoticesView(properties: {
  notices: readonly Notice[];
  keeper: Notices;
  titleOf: (notice: Notice) => string;
}): JSX.Element | null {
  const { notices, keeper, titleOf } = properties;
  return (
    <section aria-label="Conflicts">
      <header class="heading">
        <h1>Conflicts</h1>
      </header>
      {notices.length === 0 && <Empty icon="done">Every change ended as it was made.</Empty>}
      <ul class="list">
        {notices.toReversed().map((notice) => (
          <li key={notice.number} class={`card notice ${notice.kind}`}>
            <strong>
              {NAMES[notice.model]} {titleOf(notice)}
            </strong>
            <p>
              {SAID[notice.kind]} {notice.reason ?? ""}
            </p>
            {notice.fields.length > 0 && (
              <table>
                <thead>
                  <tr>
                    <th />
                    <th>Yours</th>
                    <th>Theirs</th>
                  </tr>
                </thead>
                <tbody>
                  {notice.fields.map((field) => (
                    <FieldRow key={field.name} field={field} />
                  ))}
                </tbody>
              </table>
            )}
            <button onClick={() => keeper.dismiss(notice.number)}>Understood</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function FieldRow({ field }: { field: NoticeField }): JSX.Element {
  return (
    <tr>
      <th>{nameOf(field.name)}</th>
      <td>{shown(field.ours)}</td>
      <td>{shown(field.theirs)}</td>
    </tr>
  );
}
