/** Headless Chromium on the built app, as the local AWS serves it. */

import fs from "node:fs";
import path from "node:path";

import { chromium } from "playwright-core";

import { until } from "../../web_src/node/device.mjs";
import * as server from "../sync_client/server.mjs";

const { backend } = server;
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
export async function device(person, { viewport = PHONE, timezoneId = "UTC" } = {}) {
  browser ??= await chromium.launch({ executablePath: process.env.GROUNDWORK_CHROMIUM, args: FLAGS });
  const storageState = signedIn.get(person);
  const context = await browser.newContext({ viewport, locale: "en-GB", timezoneId, storageState });
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

/** Tokens of the device end, and no more can be had for them: the user signed out everywhere, and an hour went by. */
export async function lapse(email) {
  const { userPoolId: UserPoolId } = await (await fetch(`${backend.endpoint}/~web/config.json`)).json();
  const response = await fetch(backend.endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AWSCognitoIdentityProviderService.AdminUserGlobalSignOut",
      authorization: `AWS4-HMAC-SHA256 Credential=groundwork-local/20260101/${backend.region}/cognito-idp/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify({ UserPoolId, Username: email }),
  });
  if (!response.ok) throw new Error(await response.text());
  await server.control("clock", { credentials_offset_seconds: 7200 });
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

// What is there

export const NOW = "2026-12-01T08:00:00.000Z";

export async function mill() {
  const site = await server.create("Site", {
    name: "Mill", address: { street: "Mill Lane 4", city: "Stade" }, accessHints: ["ring twice"], phone: "+4941411234",
  }); // prettier-ignore
  const order = await server.create("WorkOrder", {
    siteID: site.id, title: "Mend the pump", status: "PLANNED", scheduledFor: NOW, assignee: "Tom", tags: ["pump"],
  }); // prettier-ignore
  await server.create("WorkOrder", { siteID: site.id, title: "Read the meter", status: "DONE", scheduledFor: NOW, tags: [] });
  return { site, order };
}

export const sitesOfServer = async () => [...(await server.rows("Site")).values()];

// What a person does

export const go = (page, view) => page.getByRole("navigation").getByRole("button", { name: view }).click();

export async function newNote(page, title, text) {
  await go(page, "Work orders");
  await page.getByRole("button", { name: new RegExp(`^${title}`) }).click();
  await page.getByRole("button", { name: "New note" }).click();
  await page.getByLabel("Text").fill(text);
  await page.getByRole("form", { name: "New note" }).getByRole("button", { name: "Save" }).click();
}

export async function newSite(page, name, more = {}) {
  await go(page, "Sites");
  await page.getByRole("button", { name: "New site" }).click();
  await page.getByLabel("Name").fill(name);
  for (const [label, value] of Object.entries(more)) await page.getByLabel(label).fill(value);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: new RegExp(`^${name}`) }).waitFor();
}

export async function editOrder(page, title, fields) {
  await go(page, "Work orders");
  await page.getByRole("button", { name: new RegExp(`^${title}`) }).click();
  for (const [label, value] of Object.entries(fields)) {
    if (label === "Status") await page.getByLabel(/^Status/).selectOption({ label: value });
    else await page.getByLabel(label, { exact: true }).fill(value);
  }
  await page.getByRole("button", { name: "Save" }).click();
}
