// Keeps the page itself, so that it opens while the server is away. Documents and files are not its business: the
// client has its own store for them, and `/sync` and `/files` are never touched here.

const shell = 'nearcloud-shell'

self.addEventListener('install', event => {
  event.waitUntil(fetch('/', { cache: 'reload' }).then(keepShell))
  self.skipWaiting()
})

self.addEventListener('activate', event => event.waitUntil(self.clients.claim()))

self.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && url.pathname === '/') event.respondWith(freshPage(event))
  else if (isAsset(url.pathname)) event.respondWith(keptAsset(request))
})

/** The server's page when it answers, else the one kept. */
async function freshPage(event) {
  try {
    const page = await fetch(event.request)
    if (page.ok) event.waitUntil(keepShell(page.clone()))
    return page
  } catch (error) {
    const kept = await caches.match('/', { cacheName: shell })
    if (kept) return kept
    throw error
  }
}

/** Assets carry their content's hash in their name, so a kept one is never old. */
async function keptAsset(request) {
  return (await caches.match(request, { cacheName: shell })) ?? fetch(request)
}

/** Keeps the page and what it names; what it no longer names is let go. */
async function keepShell(page) {
  if (!page.ok) return
  const cache = await caches.open(shell)
  const html = await page.clone().text()
  const assets = [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(match => match[1]).filter(isAsset)
  const kept = (await cache.keys()).map(request => new URL(request.url).pathname)
  await cache.addAll(assets.filter(asset => !kept.includes(asset)))
  await cache.put('/', page)
  await Promise.all(
    kept.filter(path => path !== '/' && !assets.includes(path)).map(path => cache.delete(path)),
  )
}

function isAsset(path) {
  return path.startsWith('/assets/') || path === '/icon.svg'
}
