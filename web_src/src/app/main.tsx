/** The app: who uses it, what it shows, and how it stands with the server. */

import { DataStore } from "aws-amplify/datastore";
import { render, type JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { connect, type Client, type TokenSource } from "../sync/client";
import type { Notice } from "../sync/notices";
import { waiting } from "../sync/outbox";
import { readConfiguration, type Configuration } from "./configuration";
import { Dialog } from "./dialog";
import { Icon, type IconName } from "./icons";
import { NoticesView } from "./notices_view";
import { becomeThePage } from "./one_page";
import { become, erase, forgetOwner, ofOwner, owner, userOf, type User } from "./owner";
import { standingOf, useRows, useSync, type Standing, type SyncStatus } from "./rows";
import { SignIn } from "./sign_in";
import { authOf, signOut, tokensOf } from "./signing_in";
import { Sites } from "./sites";
import "./style.css";
import { counted } from "./words";
import { WorkOrders } from "./work_orders";

type View = "orders" | "sites" | "conflicts";
/** For tokens to be renewed, before the device opens with what it has. */
const PATIENCE_MS = 3_000;
/** As in style.css: a work order stands beside the list of them, which stays where it is. */
const BESIDE = "(min-width: 62rem)";

interface Opened {
  readonly client: Client;
  readonly configuration: Configuration;
  /** Of whoever is signed in. */
  readonly source: TokenSource;
}

function App({ client, configuration, source }: Opened): JSX.Element {
  const [user, setUser] = useState(owner);
  const [asking, setAsking] = useState(!user);
  const signedIn = async () => {
    const now = userOf(await source(false));
    if (!now) throw new Error("Cognito has given no identity token.");
    // Not theirs is what is here: the page opens as it does for whoever comes to a used device.
    if (user && now.id !== user.id) return location.reload();
    become(now);
    setUser(now);
    setAsking(false);
    client.reachability.resume();
  };
  if (!user || asking) {
    const onBack = user && (() => setAsking(false));
    return <SignIn configuration={configuration} again={user?.name} onDone={signedIn} onBack={onBack} />;
  }
  return <Home client={client} user={user} onSignIn={() => setAsking(true)} />;
}

function Home({ client, user, onSignIn }: { client: Client; user: User; onSignIn: () => void }): JSX.Element {
  const status = useSync(client);
  const rows = useRows();
  const [view, setView] = useState<View>("orders");
  const [chosen, setChosen] = useState<string>();
  const [leaving, setLeaving] = useState(false);
  const unsent = useMemo(() => new Set(status.waiting.map((each) => each.modelId)), [status.waiting]);
  useEffect(() => {
    void DataStore.start();
  }, []);
  useEffect(() => {
    if (!matchMedia(BESIDE).matches) scrollTo(0, 0);
  }, [view, chosen]);
  const go = (to: View) => {
    setView(to);
    setChosen(undefined);
  };
  const titleOf = (notice: Notice) =>
    rows?.sites.find((each) => each.id === notice.id)?.name ?? rows?.orders.find((each) => each.id === notice.id)?.title ?? "";
  const onSignOut = () => (status.waiting.length ? setLeaving(true) : void leave());
  const standing = standingOf(status, rows);
  return (
    <>
      <TopBar {...{ status, standing, user, onSignIn, onSignOut }} />
      {status.state === "unreachable" && (
        <p class="banner">Work goes on: what you change stays on this device and is sent when the network is back.</p>
      )}
      <main class={view}>
        {!rows && <p class="loading">Reading what this device has …</p>}
        {rows && view === "orders" && (
          <WorkOrders {...{ client, user, rows, standing, unsent, chosen }} onChoose={setChosen} onSites={() => go("sites")} />
        )}
        {rows && view === "sites" && <Sites {...{ client, user, rows, standing, unsent }} />}
        {view === "conflicts" && <NoticesView notices={status.notices} keeper={client.notices} titleOf={titleOf} />}
      </main>
      <nav aria-label="Views">
        <Tab at={view} to="orders" icon="orders" text="Work orders" onGo={go} />
        <Tab at={view} to="sites" icon="sites" text="Sites" onGo={go} />
        <Tab at={view} to="conflicts" icon="conflicts" text="Conflicts" count={status.notices.length} onGo={go} />
      </nav>
      {leaving && (
        <Dialog
          question={{
            title: "Sign out?",
            text: `${unsentWords(status.waiting.length)} and will be lost.`,
            action: "Sign out",
            back: "Stay",
          }}
          onNo={() => setLeaving(false)}
          onYes={() => void leave()}
        />
      )}
    </>
  );
}

function TopBar(properties: {
  status: SyncStatus;
  standing: Standing;
  user: User;
  onSignIn: () => void;
  onSignOut: () => void;
}): JSX.Element {
  const { status, standing, user, onSignIn, onSignOut } = properties;
  const waiting = status.waiting.length;
  return (
    <header class="top">
      <span class="brand">
        <Icon name="tools" /> Field service
      </span>
      <span class={`badge ${standing}`} role="status">
        {WORDS[standing]}
      </span>
      {waiting > 0 && <span class="badge waiting">{waiting === 1 ? "1 change waits" : `${waiting} changes wait`}</span>}
      {status.state === "signed-out" && (
        <button class="primary" onClick={onSignIn}>
          Sign in again
        </button>
      )}
      <span class="user">{user.name}</span>
      <button class="quiet" title={`Signed in as ${user.name}`} onClick={onSignOut}>
        Sign out
      </button>
    </header>
  );
}

const WORDS: Readonly<Record<Standing, string>> = {
  online: "up to date",
  synchronising: "synchronising",
  unreachable: "offline",
  "signed-out": "sign-in needed",
};

function Tab(properties: {
  at: View;
  to: View;
  icon: IconName;
  text: string;
  count?: number;
  onGo: (to: View) => void;
}): JSX.Element {
  const { at, to, icon, text, count = 0, onGo } = properties;
  return (
    <button aria-current={at === to ? "page" : undefined} onClick={() => onGo(to)}>
      <Icon name={icon} />
      <span>{text}</span>
      {count > 0 && <span class="count">{count}</span>}
    </button>
  );
}

const unsentWords = (number: number): string => `${counted(number, "change")} ${number === 1 ? "has" : "have"} not been sent`;

/** What this device holds is its user's: it goes with them, when the page opens without them. */
async function leave(): Promise<void> {
  await signOut();
  forgetOwner();
  location.reload();
}

async function open(root: HTMLElement): Promise<void> {
  const again = () => location.reload();
  if (!(await becomeThePage(again))) {
    render(<Elsewhere onHere={() => void becomeThePage(again, { force: true }).then(() => opened(root))} />, root);
    return;
  }
  await opened(root);
}

function Elsewhere({ onHere }: { onHere: () => void }): JSX.Element {
  return (
    <main>
      <p>This app is open in another tab of this browser.</p>
      <button class="primary" onClick={onHere}>
        Go on here
      </button>
    </main>
  );
}

async function opened(root: HTMLElement): Promise<void> {
  const configuration = await readConfiguration();
  const source = tokensOf(configuration);
  // Who cannot renew their tokens for want of a network is not signed out. Tokens of somebody else
  // that come later are given to nobody.
  const user = await Promise.race([source(false).then(userOf, owner), ownerAfter(PATIENCE_MS)]);
  const held = owner();
  if (!held || (user && user.id !== held.id)) {
    const unsent = (await waiting(indexedDB)).length;
    if (held && user && unsent && !(await handedOver(root, { from: held, to: user, unsent }))) {
      await signOut();
      return location.reload();
    }
    await erase();
  }
  if (user) become(user);
  const client: Client = connect({
    graphqlUrl: configuration.graphqlUrl,
    region: configuration.region,
    auth: authOf(configuration),
    tokens: async (force) => {
      const tokens = await ofOwner(source)(force);
      // Nobody is signed in: what would be asked would be refused, after a while.
      if (!tokens && owner()) client.reachability.pause();
      return tokens;
    },
    keep: localStorage,
  });
  render(null, root);
  root.replaceChildren();
  render(<App {...{ client, configuration, source }} />, root);
  if ("serviceWorker" in navigator) await navigator.serviceWorker.register("service_worker.js");
}

/** The owner, when there is one to open for. */
function ownerAfter(milliseconds: number): Promise<User | undefined> {
  return new Promise((resolve) => {
    if (owner()) setTimeout(() => resolve(owner()), milliseconds);
  });
}

/** Whether what is here may be erased, for somebody else to work with this device. */
function handedOver(root: HTMLElement, { from, to, unsent }: { from: User; to: User; unsent: number }): Promise<boolean> {
  const question = {
    title: `Go on as ${to.name}?`,
    text: `${from.name} worked on this device before, and ${unsentWords(unsent)}. If you go on, everything of theirs here is erased, and that is lost.`,
    action: "Erase and go on",
    back: "Leave it as it is",
  };
  return new Promise((resolve) => {
    root.replaceChildren();
    render(<Dialog question={question} onYes={() => resolve(true)} onNo={() => resolve(false)} />, root);
  });
}

const root = document.getElementById("app")!;
open(root).catch((error: Error) => {
  root.textContent = `This app cannot open: ${error.message}`;
});
