/** Who are you? */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import type { Configuration, Person } from "./configuration";
import { Icon } from "./icons";
import { Field, Form } from "./parts";
import { answer, begin, type Step } from "./signing_in";

export function SignIn(properties: {
  configuration: Configuration;
  /** Who is asked to sign in again, if anybody. */
  again?: string | undefined;
  onDone: () => Promise<void>;
  onBack?: (() => void) | undefined;
}): JSX.Element {
  const { configuration, again, onDone, onBack } = properties;
  const [username, setUsername] = useState(again ?? "");
  const [password, setPassword] = useState("");
  const [step, setStep] = useState<Step>();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");

  const goOn = async (next: Step | undefined) => {
    setText("");
    setStep(next);
    if (!next) await onDone();
  };
  const as = (person: Person) => {
    begin(person.username, person.password)
      .then(goOn)
      .catch((error: Error) => setProblem(error.message));
  };
  return (
    <main class="sign-in">
      <h1>
        <Icon name="tools" /> Field service
      </h1>
      <p class="explanation">
        {again
          ? `${again}, please sign in again. What you have changed stays on this device until it is sent.`
          : "Sites, work orders and notes, with or without a network."}
      </p>
      {step ? (
        <Form title={step.label} submit="Go on" onSubmit={async () => goOn(await answer(text))} onCancel={onBack}>
          {step.explanation && <p class="explanation">{step.explanation}</p>}
          <Field label={step.label} value={text} onInput={setText} type={step.kind} required />
        </Form>
      ) : (
        <Form
          title="Sign in"
          submit="Sign in"
          onSubmit={async () => goOn(await begin(username, password))}
          onCancel={onBack}
        >
          <Field label="E-mail" value={username} onInput={setUsername} type="email" autocomplete="username" required />
          <Field
            label="Password"
            value={password}
            onInput={setPassword}
            type="password"
            autocomplete="current-password"
            required
          />
        </Form>
      )}
      {!step && configuration.people && (
        <div class="card people">
          <p>On this machine one click signs you in:</p>
          {configuration.people.map((person) => (
            <button key={person.username} onClick={() => as(person)}>
              {person.name}, {person.role}
            </button>
          ))}
          {problem && (
            <p class="problem" role="alert">
              {problem}
            </p>
          )}
        </div>
      )}
    </main>
  );
}
