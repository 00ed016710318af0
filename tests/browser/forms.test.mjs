/** What forms do while others write, and what is asked and shown. */

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { until } from "../../web_src/node/device.mjs";
import * as server from "../sync_client/server.mjs";
import { closeAll, DESK, device, editOrder, end, go, gone, mill, newNote, NOW, picture, sitesOfServer, upToDate } from "./browser.mjs";

beforeEach(server.wipe);
afterEach(closeAll);
after(end);

const HINTS = "Access hints, separated by commas";
const save = (page, name) => page.getByRole("form", { name }).getByRole("button", { name: "Save" }).click();
const theSite = async () => (await sitesOfServer())[0];

async function openSite(page) {
  await go(page, "Sites");
  await page.getByRole("button", { name: /^Mill/ }).click();
}

/** Until the device has a version of the row, which its form was opened before. */
async function arrives(page, store, id, version) {
  const read = ([name, key]) =>
    new Promise((resolve) => {
      const opening = indexedDB.open("amplify-datastore");
      opening.onsuccess = () => {
        const all = opening.result.transaction(name).objectStore(name).getAll();
        all.onsuccess = () => {
          opening.result.close();
          resolve(all.result.find((row) => row.id === key)?._version ?? 0);
        };
      };
    });
  await until(async () => (await page.evaluate(read, [`user_${store}`, id])) >= version, `version ${version} of ${id}`);
}

test("a form leaves alone what its author did not touch, whatever others write meanwhile", async () => {
  const { site } = await mill();
  const { page } = await device("Dana");
  await openSite(page);
  const { _version } = await server.update("Site", {
    id: site.id, _version: 1, phone: "+4940999", accessHints: ["ring twice", "dog"], address: { street: "Mill Lane 5", city: "Stade", postalCode: "21680" },
  }); // prettier-ignore
  await arrives(page, "Site", site.id, _version);
  await page.getByLabel("Name").fill("Old mill");
  await page.getByLabel("City").fill("Buxtehude");
  await save(page, "Edit site");
  await until(async () => (await theSite()).name === "Old mill", "the name");
  const { phone, accessHints, address } = await theSite();
  assert.deepEqual([phone, accessHints], ["+4940999", ["ring twice", "dog"]]);
  assert.deepEqual([address.street, address.city, address.postalCode], ["Mill Lane 5", "Buxtehude", "21680"]);
});

test("what somebody changed while a form was open is not written over unseen", async () => {
  const { order } = await mill();
  const { page } = await device("Dana");
  await page.getByRole("button", { name: /^Mend the pump/ }).click();
  const fields = "id siteID site { id _deleted } title description status priority assignee scheduledFor tags createdAt updatedAt _version _lastChangedAt _deleted";
  const change = `mutation Change($input: UpdateWorkOrderInput!) { updateWorkOrder(input: $input) { ${fields} } }`;
  await server.ask(change, { input: { id: order.id, _version: 1, title: "Replace the pump", assignee: "Tina" } });
  await arrives(page, "WorkOrder", order.id, 2);
  await page.getByLabel("Title").fill("Oil the pump");
  await save(page, /pump$/);
  await page.getByRole("alert").getByText("title is now “Replace the pump”").waitFor();
  await picture(page, "changed-meanwhile-phone");
  assert.equal((await server.row("WorkOrder", order.id)).title, "Replace the pump");
  await save(page, /pump$/);
  await until(async () => (await server.row("WorkOrder", order.id)).title === "Oil the pump", "the title");
  assert.equal((await server.row("WorkOrder", order.id)).assignee, "Tina");
});

test("a form whose row somebody deletes stays, with what was written in it, and says so", async () => {
  const { site, order } = await mill();
  const [dana, desk] = [await device("Dana"), await device("Dana", { viewport: DESK })];
  await dana.page.getByRole("button", { name: /^Mend the pump/ }).click();
  await dana.page.getByLabel("Description").fill("The seal leaks.");
  await openSite(desk.page);
  await desk.page.getByLabel("Name").fill("Old mill");
  await server.remove("WorkOrder", { id: order.id, _version: 1 });
  await server.remove("Site", { id: site.id, _version: 1 });
  for (const { page } of [dana, desk]) await page.getByRole("alert").getByText("Somebody has deleted this meanwhile").waitFor();
  assert.equal(await dana.page.getByLabel("Description").inputValue(), "The seal leaks.");
  assert.equal(await desk.page.getByLabel("Name").inputValue(), "Old mill");
  assert.equal(await desk.page.getByRole("button", { name: "Save" }).isDisabled(), true);
  await picture(dana.page, "deleted-meanwhile-phone");
  await desk.page.getByRole("button", { name: "Cancel" }).click();
  await gone(desk.page.getByLabel("Name"));
});

test("to a list that others have changed is added, and taken from it, what its author added and took away", async () => {
  const { site } = await mill();
  const { page } = await device("Dana");
  await openSite(page);
  await server.update("Site", { id: site.id, _version: 1, accessHints: ["ring twice", "dog"] });
  await arrives(page, "Site", site.id, 2);
  await page.getByLabel(HINTS).fill("north gate");
  await save(page, "Edit site");
  await until(async () => (await theSite()).accessHints.includes("north gate"), "the hint");
  assert.deepEqual((await theSite()).accessHints, ["dog", "north gate"]);
});

test("hints that two devices add without a network are shown on both, each once", async () => {
  await mill();
  const [dana, other] = [await device("Dana"), await device("Dana")];
  await dana.context.setOffline(true);
  for (const [{ page }, hint] of [[dana, "dog"], [other, "gate"]]) {
    await openSite(page);
    await page.getByLabel(HINTS).fill(`ring twice, ${hint}`);
    await save(page, "Edit site");
  }
  await until(async () => (await theSite()).accessHints.includes("gate"), "the hint of the other");
  await dana.context.setOffline(false);
  await upToDate(dana.page);
  for (const { page } of [dana, other]) await page.getByText(/^ring twice · gate · dog$/).waitFor();
});

test("a hint that is there twice is shown once, and kept once when the list is saved again", async () => {
  await server.create("Site", { name: "Mill", accessHints: ["ring twice", "dog", "ring twice"] });
  const { page } = await device("Dana");
  await go(page, "Sites");
  await page.getByText(/^ring twice · dog$/).waitFor();
  await page.getByRole("button", { name: /^Mill/ }).click();
  assert.equal(await page.getByLabel(HINTS).inputValue(), "ring twice, dog");
  await page.getByLabel(HINTS).fill("ring twice, dog, gate");
  await save(page, "Edit site");
  await until(async () => (await theSite()).accessHints.includes("gate"), "the hint");
  assert.deepEqual((await theSite()).accessHints, ["ring twice", "dog", "gate"]);
});

test("nothing is deleted unasked, and what goes with it is said", async () => {
  const { order } = await mill();
  const [dana, desk] = [await device("Dana"), await device("Dana", { viewport: DESK })];
  await newNote(dana.page, "Mend the pump", "The seal leaks.");
  await until(async () => (await server.rows("Note")).size === 1, "the note");
  const question = dana.page.getByRole("alertdialog");
  const form = dana.page.getByRole("form", { name: "Mend the pump" });
  await form.getByRole("button", { name: "Delete" }).click();
  await question.getByText("1 note will be deleted with it").waitFor();
  await picture(dana.page, "delete-phone");
  await question.getByRole("button", { name: "Cancel" }).click();
  await gone(question);
  await server.settle();
  assert.ok(await server.row("WorkOrder", order.id));
  await openSite(desk.page);
  await desk.page.getByRole("button", { name: "Delete" }).click();
  await desk.page.getByRole("alertdialog").getByText("2 work orders and 1 note will be deleted with it").waitFor();
  await picture(desk.page, "delete-desk");
  await desk.page.keyboard.press("Escape");
  assert.equal((await sitesOfServer()).length, 1);
  await form.getByRole("button", { name: "Delete" }).click();
  await question.getByRole("button", { name: "Delete" }).click();
  await until(async () => !(await server.row("WorkOrder", order.id)), "the deletion");
});

test("a work order shows where its site is, whom to call and how to get in", async () => {
  await mill();
  const [tom, dana] = [await device("Tom"), await device("Dana", { viewport: DESK })];
  for (const { page } of [tom, dana]) {
    await page.getByRole("button", { name: /^Mend the pump/ }).click();
    const where = page.getByRole("region", { name: "Where" });
    await where.getByText("Mill Lane 4, Stade").waitFor();
    await where.getByText("ring twice").waitFor();
    assert.equal(await where.getByRole("link", { name: "+4941411234" }).getAttribute("href"), "tel:+4941411234");
  }
  await picture(tom.page, "order-where-phone");
  await picture(dana.page, "order-where-desk");
});

test("days are those of the device's time zone, where they are read and where they are chosen", async () => {
  const { order } = await mill();
  await server.update("WorkOrder", { id: order.id, _version: 1, scheduledFor: "2026-12-01T20:30:00.000Z" });
  const { page } = await device("Dana", { timezoneId: "Pacific/Auckland" });
  await page.getByRole("button", { name: /^Mend the pump.*Wed,? 2 Dec/ }).click();
  assert.equal(await page.getByLabel("Day").inputValue(), "2026-12-02");
  await page.getByLabel("Assignee").fill("Tina");
  await save(page, "Mend the pump");
  await until(async () => (await server.row("WorkOrder", order.id)).assignee === "Tina", "the assignee");
  assert.equal((await server.row("WorkOrder", order.id)).scheduledFor, "2026-12-01T20:30:00.000Z");
  await editOrder(page, "Mend the pump", { Day: "2026-12-05" });
  await until(async () => (await server.row("WorkOrder", order.id)).scheduledFor === "2026-12-04T19:00:00.000Z", "8:00 on the 5th in Auckland");
});

test("that there are no work orders is said only when it is known", async () => {
  const { page } = await device("Dana");
  await page.getByText("No work orders yet.").waitFor();
  await picture(page, "empty-phone");
  for (let number = 0; number < 40; number += 1) {
    await server.create("Site", { name: `Site ${number}` });
  }
  const site = await theSite();
  for (let number = 0; number < 40; number += 1) {
    await server.create("WorkOrder", { siteID: site.id, title: `Order ${number}`, status: "PLANNED", scheduledFor: NOW });
  }
  const other = await device(undefined);
  await other.page.evaluate(() => {
    globalThis.said = [];
    const look = () => {
      const badge = document.querySelector("[role=status]")?.textContent;
      const empty = document.body.textContent.includes("No work orders yet.");
      if (empty) globalThis.said.push(badge);
      requestAnimationFrame(look);
    };
    look();
  });
  await other.page.getByRole("button", { name: /^Dana,/ }).click();
  await other.page.getByText("Order 39").waitFor();
  await upToDate(other.page);
  assert.deepEqual(await other.page.evaluate(() => globalThis.said), []);
});
