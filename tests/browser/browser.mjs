/** Headless Chromium on the built app, as the local AWS serves it. */

import fs from "node:fs";
import path from "node:path";

import { chromium } from "playwright-core";

import { until } from "../../web_src/node/device.mjs";
import { backend } from "../sync_client/server.mjs";

export { backend };
export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1180, height: 800 };
const PATIENCE_MS = 15_000;
// Nothing of Chromium's own asks anybody anything; the tests speak with loopback alone.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]; // prettier-ignore
/** A folder for pictures to look at; none are taken without one. */
const pictures = process.env.GROUNDWORK_PICTURES;

let browser;
const open = new Set();
const signedIn = new Map();

/**
 * A device: a context of its own, signed in as a person if there is a name. The first device of a person
 * signs in; the others have its tokens, as two seconds of cryptography each show nothing more.
 */
export async function device(person, { viewport = PHONE } = {}) {
  browser ??= await chromium.launch({ executablePath: process.env.GROUNDWORK_CHROMIUM, args: FLAGS });
  const storageState = signedIn.get(person);
  const context = await browser.newContext({ viewport, locale: "en-GB", timezoneId: "UTC", storageState });
  open.add(context);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error)));
  await page.goto(`${backend.endpoint}/~web/`);
  if (person && !storageState) await page.getByRole("button", { name: new RegExp(`^${person},`) }).click();
  if (person) await upToDate(page);
  if (person && !storageState) signedIn.set(person, await context.storageState());
  return { context, page };
}

export const upToDate = (page) => page.getByRole("status").getByText("up to date").waitFor();

/** However many there are of it, as several changes may be on their way: `waitFor` suffers one alone. */
export const gone = (locator) => until(async () => (await locator.count()) === 0, `${locator} to go`);

export async function picture(page, name) {
  if (!pictures) return;
  fs.mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`) });
}

export async function closeAll() {
  for (const context of open) await context.close();
  open.clear();
}

export async function end() {
  await closeAll();
  await browser?.close();
  browser = undefined;
}

// What a person does

export async function newSite(page, name, more = {}) {
  await page.getByRole("navigation").getByRole("button", { name: "Sites" }).click();
  await page.getByRole("button", { name: "New site" }).click();
  await page.getByLabel("Name").fill(name);
  for (const [label, value] of Object.entries(more)) await page.getByLabel(label).fill(value);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: new RegExp(`^${name}`) }).waitFor();
}

export async function editOrder(page, title, fields) {
  await page.getByRole("navigation").getByRole("button", { name: "Work orders" }).click();
  await page.getByRole("button", { name: new RegExp(`^${title}`) }).click();
  for (const [label, value] of Object.entries(fields)) {
    if (label === "Status") await page.getByLabel(/^Status/).selectOption({ label: value });
    else await page.getByLabel(label, { exact: true }).fill(value);
  }
  await page.getByRole("button", { name: "Save" }).click();
}
