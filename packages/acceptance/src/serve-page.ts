import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'

/** An empty page that loads a script, on an origin of its own. `entry`: the path of the script, which is bundled. */
export async function servePage(
  entry: string,
): Promise<{ readonly url: string; readonly port: number; close(): void }> {
  const bundle = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    // what PouchDB wants of Node, from the package of that name
    alias: { events: join(import.meta.dirname, '../node_modules/events/events.js') },
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    logLevel: 'error',
    write: false,
  })
  const script = bundle.outputFiles[0]!.text
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, {
      'content-type': isScript ? 'text/javascript' : 'text/html',
      // a page on its own has a timer of 5 µs
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    })
    response.end(
      isScript
        ? script
        : '<!doctype html><meta charset="utf-8"><title>page</title><script type="module" src="/page.js"></script>',
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, port, close: () => void server.close() }
}
