/** Whose device it is, and what they may do. */

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { until } from "../../web_src/node/device.mjs";
import * as server from "../sync_client/server.mjs";
import { closeAll, DESK, device, end, go, gone, lapse, mill, newNote, picture, upToDate } from "./browser.mjs";

beforeEach(server.wipe);
afterEach(closeAll);
after(end);

const notesOfServer = async () => [...(await server.rows("Note")).values()];
const badge = (page, words) => page.getByRole("status").getByText(words).waitFor();

/** Tom has a note on the server, and one that the API refuses until he signs in again. */
async function lapsed() {
  await mill();
  const { page } = await device("Tom");
  await newNote(page, "Mend the pump", "The seal leaks.");
  await until(async () => (await notesOfServer()).length === 1, "the first note");
  await upToDate(page);
  await lapse("tom@field.example");
  await page.getByRole("button", { name: "New note" }).click();
  await page.getByLabel("Text").fill("Ordered a new one.");
  await page.getByRole("form", { name: "New note" }).getByRole("button", { name: "Save" }).click();
  await badge(page, "sign-in needed");
  await page.getByText("1 change waits").waitFor();
  await server.control("reset");
  return page;
}

async function signInAgain(page, person) {
  await page.getByRole("button", { name: "Sign in again" }).click();
  await page.getByRole("button", { name: new RegExp(`^${person},`) }).click();
}

test("who has to sign in again goes on where they were, and what waited is sent in their name", async () => {
  const page = await lapsed();
  await page.getByRole("button", { name: "Sign in again" }).click();
  await picture(page, "sign-in-again-phone");
  assert.equal(await page.getByLabel("E-mail").inputValue(), "tom@field.example");
  await page.getByRole("button", { name: /^Tom,/ }).click();
  await upToDate(page);
  await until(async () => (await notesOfServer()).length === 2, "the note that waited");
  assert.equal(new Set((await notesOfServer()).map((note) => note.owner)).size, 1);
  await gone(page.getByText("1 change waits"));
});

test("after a reload it is said at once that somebody has to sign in, and work goes on until then", async () => {
  const page = await lapsed();
  await page.reload();
  const begin = performance.now();
  await page.getByRole("button", { name: "Sign in again" }).waitFor();
  assert.ok(performance.now() - begin < 8_000, `after ${performance.now() - begin} ms`);
  await page.getByRole("button", { name: "Sign in again" }).click();
  await page.getByRole("form", { name: "Sign in" }).getByRole("button", { name: "Cancel" }).click();
  await newNote(page, "Mend the pump", "Paid in cash.");
  await page.getByText("2 changes wait").waitFor();
  await signInAgain(page, "Tom");
  await upToDate(page);
  await until(async () => (await notesOfServer()).length === 3, "the notes that waited");
});

test("somebody else gets nothing of who was here before, and erases what waits only if they say so", async () => {
  const page = await lapsed();
  await page.reload();
  await signInAgain(page, "Tina");
  await page.getByRole("alertdialog").getByText("1 change has not been sent").waitFor();
  await picture(page, "handover-phone");
  await page.getByRole("button", { name: "Leave it as it is" }).click();
  await page.getByText("1 change waits").waitFor();
  await page.getByText("Mend the pump").waitFor();
  await signInAgain(page, "Tina");
  await page.getByRole("button", { name: "Erase and go on" }).click();
  await upToDate(page);
  await page.getByRole("button", { name: /^Mend the pump/ }).click();
  await page.getByText("No notes yet.").waitFor();
  await page.reload();
  await upToDate(page);
  assert.deepEqual((await notesOfServer()).map((note) => note.text), ["The seal leaks."]);
  const stored = await page.evaluate(() => JSON.stringify(Object.entries(localStorage).filter(([key]) => key.startsWith("groundwork."))));
  assert.ok(!stored.includes("tom@field.example") && !stored.includes("Ordered"), stored);
});

test("with somebody else's tokens on the device, nothing of its owner's is sent", async () => {
  await mill();
  const [tom, tina] = [await device("Tom"), await device("Tina")];
  await tom.context.setOffline(true);
  await newNote(tom.page, "Mend the pump", "The seal leaks.");
  await tom.page.getByText("1 change waits").waitFor();
  const theirs = await tina.page.evaluate(() => Object.entries(localStorage).filter(([key]) => key.startsWith("Cognito")));
  await tom.page.evaluate((entries) => {
    for (const key of Object.keys(localStorage)) if (key.startsWith("Cognito")) localStorage.removeItem(key);
    for (const [key, value] of entries) localStorage.setItem(key, value);
  }, theirs);
  await tom.context.setOffline(false);
  await badge(tom.page, "sign-in needed");
  await tom.page.getByText("1 change waits").waitFor();
  assert.deepEqual(await notesOfServer(), []);
});

test("signing out with changes that wait asks first", async () => {
  await mill();
  const { context, page } = await device("Tom", { viewport: DESK });
  await context.setOffline(true);
  await newNote(page, "Mend the pump", "The seal leaks.");
  await page.getByText("1 change waits").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("alertdialog").getByText("1 change has not been sent").waitFor();
  await picture(page, "sign-out-desk");
  await page.keyboard.press("Escape");
  await gone(page.getByRole("alertdialog"));
  await page.getByText("1 change waits").waitFor();
});

test("technicians are not offered what the rules refuse them, and dispatchers do not write in others' notes", async () => {
  await mill();
  const [tom, dana] = [await device("Tom"), await device("Dana")];
  for (const [view, name] of [["Sites", "New site"], ["Work orders", "New work order"]]) {
    await go(tom.page, view);
    await tom.page.getByRole("heading", { name: view, exact: true }).waitFor();
    assert.equal(await tom.page.getByRole("button", { name }).count(), 0);
  }
  await go(tom.page, "Sites");
  await tom.page.getByRole("button", { name: /^Mill/ }).click();
  await tom.page.getByRole("link", { name: "+4941411234" }).waitFor();
  await picture(tom.page, "site-technician-phone");
  assert.equal(await tom.page.getByRole("button", { name: /^(Save|Delete)$/ }).count(), 0);
  await newNote(tom.page, "Mend the pump", "The seal leaks.");
  await tom.page.getByRole("form", { name: "Mend the pump" }).getByRole("button", { name: "Save" }).waitFor();
  assert.equal(await tom.page.getByRole("button", { name: "Delete" }).count(), 0);
  await tom.page.getByRole("button", { name: /^The seal leaks/ }).click();
  await tom.page.getByRole("form", { name: "Edit note" }).getByRole("button", { name: "Delete" }).waitFor();
  await dana.page.getByRole("button", { name: /^Mend the pump .*1 note/ }).click();
  await dana.page.getByRole("button", { name: /^The seal leaks/ }).click();
  const theirs = dana.page.getByRole("form", { name: "Note", exact: true });
  await theirs.getByRole("button", { name: "Delete" }).waitFor();
  assert.equal(await theirs.getByRole("button", { name: "Save" }).count(), 0);
});

test("while Cognito does not answer, the app opens with what the device has", async () => {
  await mill();
  const { context, page } = await device("Tom");
  // Tokens that have to be renewed before they are given to anybody.
  await page.evaluate(() => {
    for (const key of Object.keys(localStorage)) {
      if (!/(accessToken|idToken)$/.test(key)) continue;
      const [head, payload, signature] = localStorage.getItem(key).split(".");
      const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
      const ended = btoa(JSON.stringify({ ...claims, exp: 1 })).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
      localStorage.setItem(key, [head, ended, signature].join("."));
    }
  });
  let asked = 0;
  const toCognito = (route) => route.request().headers()["x-amz-target"]?.includes("Cognito");
  await context.route("**/*", (route) => (toCognito(route) ? void (asked += 1) : route.continue()));
  await page.reload();
  await page.getByText("Mend the pump").waitFor();
  assert.ok(asked > 0);
});
