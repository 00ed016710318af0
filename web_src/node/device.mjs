/**
 * A device without a screen: the real client in a page of its own, made of a `vm` context.
 *
 * Each device has its own globals, its own IndexedDB and its own network, so that one process holds as
 * many as a test needs, a page can be closed and opened again with what it has stored, and a network
 * can fail in the ways that networks fail. `npm` brings the IndexedDB, everything else is Node's.
 */

import fs from "node:fs";
import vm from "node:vm";

import * as indexeddb from "fake-indexeddb";

const BUNDLE = new URL("../dist/device/device.js", import.meta.url);
const POLL_MS = 5;
const LINGERING_MS = 60;
if (!globalThis.WebSocket) {
  throw new Error(`Node ${process.version} has no WebSocket: use 22 or newer, such as .venv/bin/node`);
}
let script;

export class Device {
  #page;
  #database = new indexeddb.IDBFactory();
  #storage = new Map();

  /**
   * `connection`: what `connect` of `src/sync/client.ts` takes, but for `keep`. Waits of the client of
   * a second and more last `haste` times as long.
   */
  constructor({ name = "device", connection, haste = 1 }) {
    /** By how many milliseconds the clock of the pages that are opened next is ahead. */
    this.ahead = 0;
    this.name = name;
    this.network = new Network();
    this.connection = connection;
    this.haste = haste;
  }

  /** Open the page; DataStore starts with `start`, or with its first query. */
  open() {
    this.#page = new Page(this.network, this.#database, this.#storage, this);
    const { groundwork } = this.#page.context;
    this.client = groundwork.connect({ ...this.connection, keep: this.#page.context.localStorage });
    const { DataStore, Hub, Predicates } = groundwork;
    Object.assign(this, { DataStore, Hub, Predicates, ...groundwork.SYNCHRONISED });
    this.network.page = this.#page;
    this.#page.context.DEVICE = this.name;
    this.status = { ready: false, empty: true, active: false, refused: [] };
    this.Hub.listen("datastore", ({ payload: { event, data } }) => {
      if (event === "ready") this.status.ready = true;
      if (event === "outboxStatus") this.status.empty = data.isEmpty;
      if (event === "networkStatus") this.status.active = data.active;
      if (event === "syncQueriesReady") this.status.synchronised = (this.status.synchronised ?? 0) + 1;
    });
    return this;
  }

  /** Open, start, and wait for the first synchronisation. */
  async start() {
    this.open();
    await this.DataStore.start();
    await until(() => (this.network.up ? this.status.synchronised : this.status.ready), `${this.name} to start`);
    return this;
  }

  /** Close the page: nothing of it goes on; what it stored stays. */
  close() {
    this.#page?.close();
    this.#page = undefined;
  }

  /** Close the page and open it again. */
  async reload() {
    this.close();
    // A browser ends what the page had begun with its database; here it has to end by itself, or the
    // new page meets somebody else's loop in its outbox.
    await sleep(LINGERING_MS);
    return this.start();
  }

  /** The network goes, and the browser says so. */
  async goOffline() {
    this.network.sever();
    this.#page.say("offline");
    await until(() => !this.status.active, `${this.name} to be offline`);
  }

  /** The network comes back, and the browser says so. */
  async goOnline() {
    const before = this.status.synchronised ?? 0;
    this.network.restore();
    this.#page.say("online");
    await until(() => (this.status.synchronised ?? 0) > before, `${this.name} to synchronise`);
  }

  /** What the browser says, whatever is true. */
  say(kind) {
    this.#page.say(kind);
  }

  async save(constructor, values) {
    const row = new constructor(values);
    return this.#enqueued(row.id, () => this.DataStore.save(row));
  }

  /** Change what the device has of a row. */
  async edit(constructor, id, changes) {
    const row = await this.DataStore.query(constructor, id);
    if (!row) throw new Error(`${this.name} has no ${constructor.name} ${id}`);
    const { edit } = this.#page.context.groundwork;
    return this.#enqueued(id, () => edit(this.client, constructor, row, changes));
  }

  async delete(constructor, id) {
    return this.#enqueued(id, () => this.DataStore.delete(constructor, id));
  }

  /** DataStore puts a change into its outbox some time after it has stored it. */
  async #enqueued(id, change) {
    let seen = false;
    const end = this.Hub.listen("datastore", ({ payload: { event, data } }) => {
      seen ||= event === "outboxMutationEnqueued" && data.element.id === id;
    });
    const row = await change();
    // Somebody else's deletion may be quicker.
    const nothing = Array.isArray(row) && row.length === 0;
    await until(() => seen || nothing, `${this.name} to have ${id} in its outbox`);
    end();
    return row;
  }

  async get(constructor, id) {
    return this.DataStore.query(constructor, id);
  }

  /** All rows of a model, by id. */
  async rows(constructor) {
    const rows = await this.DataStore.query(constructor);
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Until nothing waits to be sent. */
  async sent() {
    await until(async () => (await this.client.waiting()).length === 0, `${this.name} to have sent everything`);
  }

  /** What the client keeps of edits that wait and of deletions that were refused. */
  get remembered() {
    const kept = (key) => JSON.parse(this.#storage.get(`groundwork.${key}`) ?? "null");
    return { deletions: kept("deletions"), bases: kept("bases") };
  }

  get notices() {
    return structuredClone(this.client.notices.all); // arrays of this realm, for comparisons
  }
}

/** A page: globals, timers and events that end with it. */
class Page {
  closed = false;
  #timers = new Set();
  #events = new EventTarget();

  constructor(network, database, storage, { haste, ahead }) {
    this.network = network;
    this.haste = haste;
    const page = this;
    const globals = {
      ...indexeddb,
      indexedDB: database,
      navigator: {
        get onLine() {
          return network.browserSaysOnline;
        },
        userAgent: "device",
      },
      localStorage: {
        getItem: (key) => storage.get(key) ?? null,
        setItem: (key, value) => void storage.set(key, String(value)),
        removeItem: (key) => void storage.delete(key),
      },
      location: { href: "http://localhost/", origin: "http://localhost", hostname: "localhost", protocol: "http:" },
      addEventListener: (...all) => this.#events.addEventListener(...all),
      removeEventListener: (...all) => this.#events.removeEventListener(...all),
      dispatchEvent: (event) => this.closed || this.#events.dispatchEvent(event),
      setTimeout: (callback, wait = 0, ...all) => this.#timer(setTimeout, callback, wait, all),
      setInterval: (callback, wait = 0, ...all) => this.#timer(setInterval, callback, wait, all),
      clearTimeout: (timer) => this.#clear(timer),
      clearInterval: (timer) => this.#clear(timer),
      // The client warns of what the cures deal with; DEVICE_LOG=1 shows it.
      console: process.env.DEVICE_LOG ? console : SILENT,
      fetch: (url, init) => network.fetch(page, url, init),
      WebSocket: network.socketClass(page),
    };
    for (const name of HOST) globals[name] = globalThis[name];
    this.context = vm.createContext(globals);
    vm.runInContext("globalThis.window = globalThis.self = globalThis", this.context);
    vm.runInContext("Date", this.context).now = () => Date.now() + ahead;
    script ??= new vm.Script(fs.readFileSync(BUNDLE, "utf8"), { filename: "device.js" });
    script.runInContext(this.context);
    this.TypeError = vm.runInContext("TypeError", this.context);
  }

  say(kind) {
    this.#events.dispatchEvent(new Event(kind));
  }

  close() {
    this.closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.network.cut({ silently: true });
  }

  #timer(make, callback, wait, all) {
    if (this.closed) return undefined;
    const timer = make(
      (...given) => {
        if (make === setTimeout) this.#timers.delete(timer);
        if (!this.closed) callback(...given);
      },
      wait >= 1000 ? wait * this.haste : wait,
      ...all,
    );
    // A wait of a day for the next full synchronisation keeps no program alive.
    if (wait > 60_000) timer.unref();
    this.#timers.add(timer);
    return timer;
  }

  #clear(timer) {
    this.#timers.delete(timer);
    clearTimeout(timer);
  }
}

const HOST = [
  "AbortController", "AbortSignal", "Blob", "Event", "EventTarget", "FormData", "Headers", "ReadableStream",
  "Request", "Response", "TextDecoder", "TextEncoder", "URL", "URLSearchParams", "atob", "btoa",
  "crypto", "performance", "queueMicrotask", "structuredClone",
]; // prettier-ignore

const SILENT = Object.fromEntries(["log", "debug", "info", "warn", "error"].map((name) => [name, () => undefined]));

/** What lies between a device and the API. */
class Network {
  up = true;
  browserSaysOnline = true;
  #sockets = new Set();
  #requests = new Set();
  #answersToLose = 0;
  /** For tests: what happens before a request leaves and before its answer is handed over. */
  before = async (_body) => {};
  after = async (_body) => {};
  /** A box on the way that answers instead of the API, `{ status, text }`, or lets a request pass. */
  instead = (_body) => undefined;
  /** How long what the page says on sockets takes. */
  socketDelay = 0;
  requests = [];

  /** Gone without a word: requests fail, sockets hear nothing more. */
  fail() {
    this.up = false;
    for (const abort of this.#requests) abort();
    this.hush();
  }

  /** Requests are answered, and nothing more is said on sockets. */
  hush() {
    for (const socket of this.#sockets) socket.deaf = true;
  }

  /** Back without a word; connections of before are dead. */
  recover() {
    this.up = true;
    this.cut();
  }

  sever() {
    this.browserSaysOnline = false;
    this.fail();
  }

  restore() {
    this.browserSaysOnline = true;
    this.recover();
  }

  /** Requests arrive, their answers do not. */
  loseAnswers(count) {
    this.#answersToLose = count;
  }

  cut({ silently = false } = {}) {
    for (const socket of this.#sockets) socket.cut(silently);
    this.#sockets.clear();
  }

  fetch(page, url, init) {
    return new Promise((resolve, reject) => {
      if (page.closed) return;
      const failed = () => page.closed || reject(new page.TypeError("fetch failed"));
      if (!this.up) return void setImmediate(failed);
      const controller = new AbortController();
      const abort = () => controller.abort();
      this.#requests.add(abort);
      const lost = this.#answersToLose > 0 && String(init?.body).includes("mutation");
      if (lost) this.#answersToLose -= 1;
      this.requests.push(String(init?.body));
      this.before(String(init?.body))
        .then(() => {
          const made = this.instead(String(init?.body));
          return made ? new Response(made.text, made) : fetch(url, { ...init, signal: controller.signal });
        })
        .then(async (response) => {
          const text = await response.text();
          await this.after(String(init?.body));
          if (lost || !this.up) failed();
          else if (!page.closed) resolve(new Response(text, { status: response.status, headers: response.headers }));
        })
        .catch(failed)
        .finally(() => this.#requests.delete(abort));
    });
  }

  socketClass(page) {
    const network = this;
    return class PageSocket extends EventTarget {
      static CONNECTING = 0;
      static OPEN = 1;
      static CLOSING = 2;
      static CLOSED = 3;
      bufferedAmount = 0;
      deaf = false;
      #socket;

      constructor(url, protocols) {
        super();
        for (const kind of ["open", "message", "close", "error"]) this.addEventListener(kind, (event) => this[`on${kind}`]?.(event));
        network.#sockets.add(this);
        if (!network.up) return void setImmediate(() => this.cut());
        this.#socket = new WebSocket(url, protocols);
        const pass = (event, Made = Event, init = {}) => {
          if (!this.deaf && !page.closed && network.up) this.dispatchEvent(Object.assign(new Made(event.type, init)));
        };
        this.#socket.onopen = (event) => pass(event);
        this.#socket.onerror = (event) => pass(event);
        this.#socket.onmessage = (event) => pass(event, MessageEvent, { data: event.data });
        this.#socket.onclose = (event) => pass(event, CloseEvent, { code: event.code, reason: event.reason });
      }

      get readyState() {
        return this.#socket?.readyState ?? 3;
      }

      get protocol() {
        return this.#socket?.protocol ?? "";
      }

      send(data) {
        if (network.socketDelay) setTimeout(() => this.#send(data), network.socketDelay);
        else this.#send(data);
      }

      #send(data) {
        if (!this.deaf && this.#socket?.readyState === 1) this.#socket.send(data);
      }

      close(code, reason) {
        network.#sockets.delete(this);
        this.#socket?.close(code, reason);
      }

      /** The connection is dead; the page hears of it unless it is gone itself. */
      cut(silently = false) {
        this.deaf = true;
        this.#socket?.close();
        if (silently || page.closed) return;
        this.dispatchEvent(new Event("error"));
        this.dispatchEvent(new CloseEvent("close", { code: 1006 }));
      }
    };
  }
}

/** Wait for something to become true. */
export async function until(condition, what, { seconds = 20 } = {}) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await sleep(POLL_MS);
  }
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
