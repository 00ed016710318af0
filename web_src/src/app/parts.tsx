/** Small parts that more than one view uses. */

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

import { Icon, type IconName } from "./icons";

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

/** A form in place of what it changes; says what is wrong instead of failing. */
export function Form(properties: {
  title: string;
  submit?: string;
  onSubmit: () => Promise<void>;
  onCancel?: () => void;
  onDelete?: () => Promise<void>;
  children: ComponentChildren;
}): JSX.Element {
  const { title, submit = "Save", onSubmit, onCancel, onDelete, children } = properties;
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
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
        attempt(onSubmit);
      }}
    >
      <h2>{title}</h2>
      {children}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button class="primary" disabled={busy}>
          {submit}
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        {onDelete && (
          <button type="button" class="danger" disabled={busy} onClick={() => attempt(onDelete)}>
            Delete
          </button>
        )}
      </div>
    </form>
  );
}

/** What is here once there is something, and what to do about it. */
export function Empty(properties: { icon: IconName; children: ComponentChildren; action?: ComponentChildren }): JSX.Element {
  const { icon, children, action } = properties;
  return (
    <div class="empty">
      <Icon name={icon} />
      <p>{children}</p>
      {action}
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

/** Only what was changed is sent, so that it collides with nothing else. */
export function changesOf<Values extends object>(before: Values, after: Partial<Values>): Partial<Values> {
  return Object.fromEntries(
    Object.entries(after).filter(([name, value]) => JSON.stringify(before[name as keyof Values] ?? null) !== JSON.stringify(value ?? null)),
  ) as Partial<Values>;
}
