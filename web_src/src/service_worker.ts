/**
 * The app itself without a network. Files have their content's hash in their names, so what is in the
 * cache is never asked for again; the page and config.json are asked for first and kept for when
 * nobody answers. The API is none of its business: rows are DataStore's.
 */

const worker = self as unknown as ServiceWorkerGlobalScope & {
  readonly PRECACHE: { readonly version: string; readonly files: readonly string[] };
};
const CACHE = `app-${worker.PRECACHE.version}`;
const PATIENCE_MS = 3_000;

worker.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll([...worker.PRECACHE.files, "config.json"]))
      .then(() => worker.skipWaiting()),
  );
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin || !url.href.startsWith(worker.registration.scope)) return;
  const changes = request.mode === "navigate" || url.pathname.endsWith("config.json");
  event.respondWith(changes ? networkFirst(request) : cacheFirst(request));
});

async function cacheFirst(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function networkFirst(request: Request): Promise<Response> {
  const kept = await caches.match(request.mode === "navigate" ? "./" : request);
  try {
    const response = await fetch(request, kept ? { signal: AbortSignal.timeout(PATIENCE_MS) } : {});
    if (!response.ok) return kept ?? response;
    const cache = await caches.open(CACHE);
    await cache.put(request.mode === "navigate" ? "./" : request, response.clone());
    return response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
