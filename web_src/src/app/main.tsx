/** The app: who uses it, what it shows, and how it stands with the server. */

import { DataStore } from "aws-amplify/datastore";
import { render, type JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { Note, Site, WorkOrder } from "../../../models/datastore/index.js";
import { connect, type Client, type TokenSource } from "../sync/client";
import type { Notice } from "../sync/notices";
import { readConfiguration, type Configuration } from "./configuration";
import { Icon, type IconName } from "./icons";
import { NoticesView } from "./notices_view";
import { becomeThePage } from "./one_page";
import { useRows, useSync, type SyncStatus } from "./rows";
import { SignIn } from "./sign_in";
import { authOf, signOut, tokensOf, userOf } from "./signing_in";
import { Sites } from "./sites";
import "./style.css";
import { WorkOrders } from "./work_orders";

type View = "orders" | "sites" | "conflicts";
/** As in style.css: a work order stands beside the list of them, which stays where it is. */
const BESIDE = "(min-width: 62rem)";
const CLEARING_MS = 3_000;
/** Who used this device last: what it holds is theirs, also when nobody can ask Cognito. */
const LAST_USER = "groundwork.user";

function App(properties: {
  client: Client;
  configuration: Configuration;
  tokens: TokenSource;
  known: string | undefined;
}): JSX.Element {
  const { client, configuration, tokens, known } = properties;
  const [user, setUser] = useState(known);
  const [asking, setAsking] = useState(!known);
  const signedIn = async () => {
    const name = await userOf(tokens);
    localStorage.setItem(LAST_USER, name ?? "");
    setUser(name);
    setAsking(false);
    client.reachability.resume();
  };
  if (!user || asking) return <SignIn configuration={configuration} onDone={() => void signedIn()} />;
  return <Home client={client} user={user} onSignIn={() => setAsking(true)} />;
}

function Home({ client, user, onSignIn }: { client: Client; user: string; onSignIn: () => void }): JSX.Element {
  const status = useSync(client);
  const sites = useRows(Site);
  const orders = useRows(WorkOrder);
  const notes = useRows(Note);
  const [view, setView] = useState<View>("orders");
  const [chosen, setChosen] = useState<string>();
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
  const nameOf = (notice: Notice) =>
    [...(sites ?? []).map((each) => [each.id, each.name]), ...(orders ?? []).map((each) => [each.id, each.title])].find(
      ([id]) => id === notice.id,
    )?.[1] ?? "";
  const loaded = sites && orders && notes;
  return (
    <>
      <TopBar status={status} user={user} onSignIn={onSignIn} onSignOut={() => void leave(status)} />
      {status.state === "unreachable" && (
        <p class="banner">Work goes on: what you change stays on this device and is sent when the network is back.</p>
      )}
      <main class={view}>
        {!loaded && <p class="loading">Reading what this device has …</p>}
        {loaded && view === "orders" && (
          <WorkOrders {...{ client, sites, orders, notes, unsent, chosen }} onChoose={setChosen} onSites={() => go("sites")} />
        )}
        {loaded && view === "sites" && <Sites {...{ client, sites, orders, unsent }} />}
        {view === "conflicts" && <NoticesView notices={status.notices} keeper={client.notices} nameOf={nameOf} />}
      </main>
      <nav aria-label="Views">
        <Tab at={view} to="orders" icon="orders" text="Work orders" onGo={go} />
        <Tab at={view} to="sites" icon="sites" text="Sites" onGo={go} />
        <Tab at={view} to="conflicts" icon="conflicts" text="Conflicts" count={status.notices.length} onGo={go} />
      </nav>
    </>
  );
}

function TopBar(properties: {
  status: SyncStatus;
  user: string;
  onSignIn: () => void;
  onSignOut: () => void;
}): JSX.Element {
  const { status, user, onSignIn, onSignOut } = properties;
  const waiting = status.waiting.length;
  return (
    <header class="top">
      <span class="brand">
        <Icon name="tools" /> Field service
      </span>
      <span class={`badge ${badge(status)}`} role="status">
        {WORDS[badge(status)]}
      </span>
      {waiting > 0 && <span class="badge waiting">{waiting === 1 ? "1 change waits" : `${waiting} changes wait`}</span>}
      {status.state === "signed-out" && (
        <button class="primary" onClick={onSignIn}>
          Sign in again
        </button>
      )}
      <span class="user">{user}</span>
      <button class="quiet" title={`Signed in as ${user}`} onClick={onSignOut}>
        Sign out
      </button>
    </header>
  );
}

const WORDS = {
  online: "up to date",
  synchronising: "synchronising",
  unreachable: "offline",
  "signed-out": "sign-in needed",
} as const;

function badge(status: SyncStatus): keyof typeof WORDS {
  if (status.state !== "online") return status.state;
  return status.synchronised ? "online" : "synchronising";
}

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

/** What this device holds is its user's: it goes with them. */
async function leave(status: SyncStatus): Promise<void> {
  const waiting = status.waiting.length;
  const question = `${waiting} ${waiting === 1 ? "change has" : "changes have"} not been sent and will be lost. Sign out?`;
  if (waiting > 0 && !confirm(question)) return;
  // A synchronisation that is under way can keep DataStore from ever stopping.
  await Promise.race([DataStore.clear(), new Promise((resolve) => setTimeout(resolve, CLEARING_MS))]);
  indexedDB.deleteDatabase("amplify-datastore");
  await signOut().catch(() => undefined);
  for (const key of Object.keys(localStorage)) if (key.startsWith("groundwork.")) localStorage.removeItem(key);
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
  const tokens = tokensOf(configuration);
  const client = connect({
    graphqlUrl: configuration.graphqlUrl,
    region: configuration.region,
    auth: authOf(configuration),
    tokens,
    keep: localStorage,
  });
  const known = (await userOf(tokens)) ?? (localStorage.getItem(LAST_USER) || undefined);
  render(null, root);
  root.replaceChildren();
  render(<App {...{ client, configuration, tokens, known }} />, root);
  if ("serviceWorker" in navigator) await navigator.serviceWorker.register("service_worker.js");
}

const root = document.getElementById("app")!;
open(root).catch((error: Error) => {
  root.textContent = `This app cannot open: ${error.message}`;
});
