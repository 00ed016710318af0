/** Small parts that more than one view uses. */

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

import { Dialog, type Question } from "./dialog";
import { Icon, type IconName } from "./icons";
import type { Standing } from "./rows";

export function Field(properties: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: string;
  required?: boolean;
  lines?: number;
  autocomplete?: string;
}): JSX.Element {
  const { label, value, onInput, type = "text", required = false, lines, autocomplete } = properties;
  const common = { value, required, onInput: (event: Event) => onInput((event.target as HTMLInputElement).value) };
  return (
    <label class="field">
      <span>{label}</span>
      {lines ? (
        <textarea rows={lines} {...common} />
      ) : (
        <input type={type as never} autocomplete={(autocomplete ?? "off") as never} {...common} />
      )}
    </label>
  );
}

export function Choice(properties: {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}): JSX.Element {
  const { label, value, options, onChange } = properties;
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is done, and what is asked before it. */
export interface Deletion {
  readonly question: Question;
  readonly onDelete: () => Promise<void>;
}

/** A form in place of what it changes; says what is wrong instead of failing. */
export function Form(properties: {
  title: string;
  submit?: string;
  /** Nothing, when there is nothing to be changed. */
  onSubmit: (() => Promise<void>) | undefined;
  onCancel?: (() => void) | undefined;
  deletion?: Deletion | undefined;
  /** Whether somebody has deleted what the form is about; what was written can still be read. */
  gone?: boolean | undefined;
  children: ComponentChildren;
}): JSX.Element {
  const { title, submit = "Save", onSubmit, onCancel, deletion, gone = false, children } = properties;
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const attempt = (action: () => Promise<void>) => {
    setBusy(true);
    setProblem("");
    action()
      .catch((error: Error) => setProblem(error.message))
      .finally(() => setBusy(false));
  };
  return (
    <form
      class="card form"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        if (onSubmit) attempt(onSubmit);
      }}
    >
      <h2>{title}</h2>
      {children}
      {(problem || (gone && !busy)) && (
        <p class="problem" role="alert">
          {gone ? "Somebody has deleted this meanwhile. What you have written here can be copied, but not saved." : problem}
        </p>
      )}
      <div class="actions">
        {onSubmit && (
          <button class="primary" disabled={busy || gone}>
            {submit}
          </button>
        )}
        {onCancel && (
          <button type="button" onClick={onCancel}>
            {onSubmit ? "Cancel" : "Close"}
          </button>
        )}
        {deletion && (
          <button type="button" class="danger" disabled={busy || gone} onClick={() => setDeleting(true)}>
            Delete
          </button>
        )}
      </div>
      {deletion && deleting && (
        <Dialog
          question={deletion.question}
          onNo={() => setDeleting(false)}
          onYes={() => {
            setDeleting(false);
            attempt(deletion.onDelete);
          }}
        />
      )}
    </form>
  );
}

/** What is here once there is something, and what to do about it; said only when it is known that there is nothing. */
export function Empty(properties: {
  icon: IconName;
  standing?: Standing;
  /** What is missing, as in "Reading work orders". */
  what?: string;
  children: ComponentChildren;
  action?: ComponentChildren;
}): JSX.Element {
  const { icon, standing = "online", what = "", children, action } = properties;
  if (standing === "synchronising") return <p class="loading">Reading {what} …</p>;
  const known = standing === "online";
  return (
    <div class="empty">
      <Icon name={icon} />
      <p>{known ? children : `There are no ${what} on this device. Others may come when it has synchronised.`}</p>
      {known && action}
    </div>
  );
}

/** A mark on what this device has and the server does not yet. */
export function Unsent({ when }: { when: boolean }): JSX.Element | null {
  return when ? (
    <span class="unsent" title="Will be sent when the API can be reached">
      not sent yet
    </span>
  ) : null;
}

export const listOf = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((each) => each.trim())
      .filter(Boolean),
  ),
];
