// Ours, in front of JupyterLite's own service worker: what has been loaded once is there without a network.
// The parts of Python stay for good (their folder has another name when they change); all else comes fresh while there is a network.
const arriving = new Map();

async function part(request, kept) {
  const going = arriving.get(request.url);
  if (going) await going;  // the page that shows progress and the kernel may ask at once: one download
  const old = await kept.match(request.url);
  if (old) return old;
  const fresh = await fetch(request);
  if (fresh.ok) {
    const put = kept.put(request.url, fresh.clone()).catch(() => { /* the disk is full: it still runs */ }).finally(() => arriving.delete(request.url));
    arriving.set(request.url, put);
  }
  return fresh;
}

async function page(request, kept) {
  try {
    const fresh = await fetch(request);
    if (fresh.status === 200) kept.put(request, fresh.clone()).catch(() => {});
    return fresh;
  } catch (error) {
    const old = await kept.match(request, { ignoreVary: true });
    if (old) return old;
    throw error;
  }
}

self.addEventListener("fetch", event => {
  const { request } = event, url = new URL(request.url), home = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== home.origin || /\/api\/(drive|stdin|service-worker-heartbeat)/.test(url.pathname)) return;
  event.stopImmediatePropagation();
  event.respondWith(caches.open("a-new-chapter").then(kept => (url.pathname.startsWith(home.pathname + "static/") ? part : page)(request, kept)));
});

