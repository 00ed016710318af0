/** The built web app in a real browser, against the deployed API. */

import assert from "node:assert/strict";
import fs from "node:fs";
import { after, afterEach, beforeEach, test } from "node:test";

import { until } from "../../web_src/node/device.mjs";
import * as server from "../sync_client/server.mjs";
import { closeAll, DESK, device, editOrder, end, gone, go, mill, newSite, picture, sitesOfServer, upToDate } from "./browser.mjs";

beforeEach(server.wipe);
afterEach(closeAll);
after(end);

test("a person signs in, adds a site, a work order and a note, and the server has them", async () => {
  const { page } = await device("Dana");
  await newSite(page, "Harbour", { City: "Stade", "Access hints, separated by commas": "north gate, ask for Ole" });
  await go(page, "Work orders");
  await page.getByRole("button", { name: "New work order" }).click();
  await page.getByLabel("Title").fill("Inspect the crane");
  await page.getByLabel("Tags, separated by commas").fill("crane, yearly");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: /^Inspect the crane/ }).click();
  await page.getByRole("button", { name: "New note" }).click();
  await page.getByLabel("Text").fill("The rope is worn.");
  await page.getByRole("form", { name: "New note" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("The rope is worn.").waitFor();
  await until(async () => (await server.rows("Note")).size === 1, "the note to arrive");
  const [[, order]] = await server.rows("WorkOrder");
  assert.deepEqual([order.title, order.tags, (await sitesOfServer())[0].accessHints], ["Inspect the crane", ["crane", "yearly"], ["north gate", "ask for Ole"]]);
  await gone(page.getByText("not sent yet"));
  await picture(page, "order-phone");
  assert.deepEqual(page.problems, []);
});

test("what one device writes, the other shows without being asked", async () => {
  const { order } = await mill();
  const [dana, tom] = [await device("Dana", { viewport: DESK }), await device("Tom")];
  await editOrder(dana.page, "Mend the pump", { Title: "Replace the pump", Description: "The new one is in the van." });
  await tom.page.getByText("Replace the pump").waitFor();
  await until(async () => (await server.row("WorkOrder", order.id)).title === "Replace the pump", "the server");
  await picture(dana.page, "orders-desk");
});

test("what a program writes by the documented mutation is shown without being asked for", async () => {
  const { order } = await mill();
  const { page } = await device("Tom");
  const mutation = /mutation Finish[^"]*/.exec(fs.readFileSync("docs/offline.md", "utf8"))[0];
  const { errors } = await server.ask(mutation, { input: { id: order.id, status: "DONE", _version: 1 } });
  assert.equal(errors, undefined);
  await page.getByRole("button", { name: /^Mend the pump done/ }).waitFor();
});

test("without a network work goes on, is counted, and converges with what others did", async () => {
  const { order } = await mill();
  const [dana, tom] = [await device("Dana"), await device("Tom")];
  await tom.context.setOffline(true);
  await tom.page.getByRole("status").getByText("offline").waitFor();
  await editOrder(tom.page, "Mend the pump", { Status: "in progress", "Tags, separated by commas": "pump, ladder" });
  await tom.page.getByText("1 change waits").waitFor();
  await tom.page.getByText("not sent yet").waitFor();
  await picture(tom.page, "offline-phone");
  await editOrder(dana.page, "Mend the pump", { Status: "done", "Tags, separated by commas": "pump, warranty" });
  await until(async () => (await server.row("WorkOrder", order.id)).status === "DONE", "Dana's change");
  await tom.context.setOffline(false);
  await upToDate(tom.page);
  await gone(tom.page.getByText("1 change waits"));
  for (const { page } of [dana, tom]) await page.getByRole("button", { name: /^Mend the pump done/ }).getByText("ladder").waitFor();
  const row = await server.row("WorkOrder", order.id);
  assert.deepEqual([row.status, row.tags.toSorted()], ["DONE", ["ladder", "pump", "warranty"]]);
  await go(tom.page, "Conflicts");
  await tom.page.getByText("Theirs was kept").waitFor();
  await picture(tom.page, "conflict-phone");
  await tom.page.getByRole("button", { name: "Understood" }).click();
  await tom.page.getByText("Every change ended as it was made.").waitFor();
});

test("closed and opened again without a network, the app is there with its data and what waits", async () => {
  await mill();
  const { context, page } = await device("Dana");
  await page.evaluate(() => navigator.serviceWorker.ready);
  await until(() => page.evaluate(async () => (await (await caches.open((await caches.keys())[0])).keys()).length > 6), "the cache");
  await page.reload();
  await upToDate(page);
  await context.setOffline(true);
  await newSite(page, "Dock");
  await page.close();
  const again = await context.newPage();
  await again.goto(`${server.backend.endpoint}/~web/`);
  await again.getByText("Mend the pump").waitFor();
  await again.getByText("1 change waits").waitFor();
  await picture(again, "reopened-offline-phone");
  await context.setOffline(false);
  await until(async () => (await sitesOfServer()).some((site) => site.name === "Dock"), "the site to arrive");
  await upToDate(again);
});

test("a network that fails unnoticed loses nothing, and the app says that it is offline", async () => {
  const { context, page } = await device("Dana");
  await context.route("**/graphql", (route) => route.abort("connectionreset"));
  await newSite(page, "Dock");
  await page.getByRole("status").getByText("offline").waitFor();
  assert.equal(await page.evaluate(() => navigator.onLine), true);
  await page.getByText("1 change waits").waitFor();
  await context.unroute("**/graphql");
  await until(async () => (await sitesOfServer()).length === 1, "the site to arrive");
  await upToDate(page);
});

test("an API that is unavailable for a while loses nothing", async () => {
  const { page } = await device("Dana");
  await server.control("refuse", { status: 503, seconds: 600 });
  await newSite(page, "Dock");
  await page.getByText("1 change waits").waitFor();
  await server.control("reset");
  await until(async () => (await sitesOfServer()).length === 1, "the site to arrive");
  await gone(page.getByText("1 change waits"));
});

test("what the API refuses is undone and explained", async () => {
  const { order } = await mill();
  const { page } = await device("Tom");
  await editOrder(page, "Mend the pump", { Description: "x".repeat(500_000) });
  await page.getByRole("navigation").getByRole("button", { name: /^Conflicts/ }).getByText("1").waitFor();
  await go(page, "Conflicts");
  await page.getByText("The server did not accept this").waitFor();
  assert.equal((await server.row("WorkOrder", order.id)).description, null);
});

test("signing in by password: a wrong one is said, the right one opens, signing out empties the device", async () => {
  await mill();
  const { page } = await device(undefined, { viewport: DESK });
  await page.getByLabel("E-mail").fill("dora@example.com");
  await page.getByLabel("Password").fill("Wrong-horse-7");
  await page.getByRole("form", { name: "Sign in" }).getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await picture(page, "sign-in-desk");
  await page.getByLabel("Password").fill(server.backend.password);
  await page.getByRole("form", { name: "Sign in" }).getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Mend the pump").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("E-mail").waitFor();
  const left = await page.evaluate(async () => [Object.keys(localStorage).filter((key) => /groundwork|accessToken/.test(key)), (await indexedDB.databases()).map((each) => each.name)]);
  assert.deepEqual(left[0], []);
  assert.ok(!left[1].includes("amplify-datastore"));
});

test("the app can be installed, and fits a phone", async () => {
  await mill();
  const { context, page } = await device("Dana");
  await page.evaluate(() => navigator.serviceWorker.ready);
  const session = await context.newCDPSession(page);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  // A context of its own counts as incognito, where nothing is installed.
  assert.deepEqual(installabilityErrors.map((each) => each.errorId).filter((id) => id !== "in-incognito"), []);
  for (const view of ["Work orders", "Sites", "Conflicts"]) {
    await go(page, view);
    const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= window, `${view} is ${wide} wide on a screen of ${window}`);
    await picture(page, `${view.toLowerCase().replace(" ", "-")}-phone`);
  }
});

test("a second tab does not work on the same store, but may take over", async () => {
  await mill();
  const { context, page } = await device("Dana");
  const second = await context.newPage();
  await second.goto(`${server.backend.endpoint}/~web/`);
  await second.getByRole("button", { name: "Go on here" }).click();
  await second.getByText("Mend the pump").waitFor();
  await page.getByText("open in another tab").waitFor();
});

test("a reading of the store that fails is made again", async () => {
  const { page } = await device("Dana");
  await page.evaluate(() => {
    const real = IDBObjectStore.prototype.getAll;
    let left = 1;
    IDBObjectStore.prototype.getAll = function (...all) {
      if (this.name === "user_Note" && left-- > 0) throw new Error("once");
      return real.apply(this, all);
    };
  });
  await newSite(page, "Dock");
  await newSite(page, "Harbour");
  await until(async () => (await sitesOfServer()).length === 2, "both sites to arrive");
});
