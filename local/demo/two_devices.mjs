/**
 * The demo's chapter on real DataStore clients: `node two_devices.mjs URL REGION KEY`.
 *
 * Each line that it prints is JSON: {"say": text}, {"figure": [name, value]} or {"check": [holds, promise]}.
 */

import { Device, until } from "../../web_src/node/device.mjs";

const [graphqlUrl, region, apiKey] = process.argv.slice(2);
const WHEN = "2026-12-01T08:00:00.000Z";
const print = (line) => console.log(JSON.stringify(line));
const say = (text) => print({ say: text });
const check = (holds, promise) => print({ check: [Boolean(holds), promise] });

const [office, van] = ["office", "van"].map((name) => new Device({ name, connection: { graphqlUrl, region, apiKey } }));
await Promise.all([office.start(), van.start()]);

const site = await office.save(office.Site, { name: "Mill" });
const { id: order } = await office.save(office.WorkOrder, { site, title: "Boiler", status: "PLANNED", scheduledFor: WHEN, tags: [] });
const workOrder = await office.get(office.WorkOrder, order);
const { id: note } = await office.save(office.Note, { workOrder, writtenAt: WHEN, text: "It leaks" });
await office.sent();
await until(() => van.get(van.Note, note), "the van to hear of the note");
say(`both devices show: ${await seen(van)}`);

say("the van loses its network; both go on working");
await van.goOffline();
await van.edit(van.WorkOrder, order, { status: "DONE", tags: ["gas"] });
await van.edit(van.Note, note, { text: "It leaks no more" });
await office.edit(office.WorkOrder, order, { title: "Boiler, cellar", priority: 1, tags: ["urgent"] });
await office.edit(office.Note, note, { text: "It leaks, said the neighbour" });
await office.sent();
say(`the office shows:   ${await seen(office)}`);
say(`the van shows:      ${await seen(van)}, ${(await van.client.waiting()).length} changes wait`);

const begun = performance.now();
await van.goOnline();
await van.sent();
await until(alike, "both devices to show the same");
print({ figure: ["two devices, reconnect to converged", `${((performance.now() - begun) / 1000).toFixed(2)} s`] });
say(`after the reconnect: ${await seen(office)}`);
check(await alike(), "both devices show the same");
const merged = await van.get(van.WorkOrder, order);
check(
  merged.title === "Boiler, cellar" && merged.status === "DONE" && [...merged.tags].sort().join() === "gas,urgent",
  "nobody's change of the work order is lost: the function merged them",
);
const told = van.notices.find((notice) => notice.id === note);
check(
  told?.kind === "ours-kept" && told.fields[0]?.theirs === "It leaks, said the neighbour",
  "the van's note was written over the office's, and the van was told what it replaced",
);
for (const device of [office, van]) device.close();
process.exit(0);

async function seen(device) {
  const { title, status, priority, tags } = await device.get(device.WorkOrder, order);
  return JSON.stringify({ title, status, priority, tags });
}

async function alike() {
  const [one, other] = await Promise.all([office, van].map(async (device) => JSON.stringify([await seen(device), (await device.get(device.Note, note)).text])));
  return one === other;
}
