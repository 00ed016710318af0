/** A question that has to be answered before anything else, in the browser's own modal dialog. */

import type { JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export interface Question {
  readonly title: string;
  /** What is lost. */
  readonly text: string;
  /** The word for going on. */
  readonly action: string;
  /** The word for not going on, which is what Escape does, and a tap beside the dialog. */
  readonly back?: string;
}

export function Dialog(properties: { question: Question; onYes: () => void; onNo: () => void }): JSX.Element {
  const { question, onYes, onNo } = properties;
  const dialog = useRef<HTMLDialogElement>(null);
  const [title, text] = [useId(), useId()];
  useEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      role="alertdialog"
      aria-labelledby={title}
      aria-describedby={text}
      onCancel={(event) => {
        event.preventDefault();
        onNo();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onNo();
      }}
    >
      <div class="question">
        <h2 id={title}>{question.title}</h2>
        <p id={text}>{question.text}</p>
        <div class="answers">
          <button type="button" autofocus onClick={onNo}>
            {question.back ?? "Cancel"}
          </button>
          <button type="button" class="destroys" onClick={onYes}>
            {question.action}
          </button>
        </div>
      </div>
    </dialog>
  );
}
