import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import type { Lent, run } from './bare/entry.ts'

/** protocol, query, store, sync and client in one script, as a mini program would load it. */
let bundle = ''

beforeAll(async () => {
  const result = await build({
    entryPoints: [join(import.meta.dirname, 'bare/entry.ts')],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'bare',
    target: 'es2020',
    platform: 'neutral',
    conditions: ['source'],
    mainFields: ['module', 'main'],
    write: false,
  })
  bundle = result.outputFiles[0]!.text
  const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`
  console.log(
    `the whole client: ${kilobytes(bundle.length)} minified, ${kilobytes(gzipSync(bundle).length)} gzip`,
  )
})

test('the client runs where there is nothing but ECMAScript: add, query, aggregate, watch, offline, and again', async () => {
  const told = JSON.parse(await inContext(bareContext(), bundle).run(lent)) as Record<string, unknown>
  expect(told).toEqual({
    found: [{ _id: 'walk', title: 'walk', done: false, score: 3 }],
    explained: ['index', 'done_1_score_-1'],
    aggregated: [
      { _id: false, total: 3, titles: ['WALK'] },
      { _id: true, total: 0, titles: ['BUY TEA'] },
    ],
    fromCache: true,
    seen: [[], ['buy tea'], ['buy tea', 'walk'], ['buy tea', 'walk'], ['walk']],
    pending: 4,
    state: 'offline',
    again: [
      { _id: 'walk', title: 'walk', done: false, score: 3 },
      { _id: 'tea', title: 'buy tea', done: true, due: new Date(0).toISOString() },
    ],
  })
})

test('the client holds no code that makes code, and no look-behind', () => {
  expect(bundle).not.toMatch(/\beval\s*\(/)
  expect(bundle).not.toMatch(/\bnew\s+Function\b|[^.\w$]Function\s*\(/)
  expect(bundle).not.toMatch(/\(\?<[=!]/)
  expect(bundle).not.toMatch(/\bimport\s*\(/)
})

test('the client begins without what only texts need: whoever has a text brings it', () => {
  expect(bundle).not.toMatch(/yjs|awareness_|encodeStateVector/i)
})

test('the client does not even ask whether there is a host', async () => {
  const asked = new Set<string>()
  const context = bareContext()
  for (const name of hostNames)
    Object.defineProperty(context, name, {
      get() {
        asked.add(name)
        return undefined
      },
    })
  await inContext(context, bundle).run(lent)
  expect([...asked]).toEqual([])
  runInContext('typeof window', context)
  expect([...asked]).toEqual(['window'])
})

test('the bare context is bare: a script that reaches for a host finds nothing', () => {
  const context = bareContext()
  for (const name of hostNames) expect(runInContext(`typeof ${name}`, context), name).toBe('undefined')
  expect(() => runInContext(`eval('1')`, context)).toThrow(/Code generation from strings/)
  expect(() => runInContext(`new Function('1')`, context)).toThrow(/Code generation from strings/)
})

const lent: Lent = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
  random: size => Uint8Array.from(randomBytes(size)),
}

function inContext(context: object, script: string): { run: typeof run } {
  runInContext(script, context, { filename: 'client.js' })
  return runInContext('bare', context) as { run: typeof run }
}

function bareContext(): object {
  const context = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } })
  // what V8 itself puts beside ECMAScript
  runInContext('delete globalThis.console; delete globalThis.WebAssembly', context)
  return context
}

const hostNames = [
  'window',
  'self',
  'document',
  'process',
  'global',
  'require',
  'Buffer',
  'TextEncoder',
  'TextDecoder',
  'URL',
  'fetch',
  'WebSocket',
  'indexedDB',
  'crypto',
  'structuredClone',
  'setImmediate',
  'setTimeout',
  'setInterval',
  'queueMicrotask',
  'console',
  'navigator',
  'localStorage',
  'performance',
  'Blob',
  'AbortController',
  'WebAssembly',
  'wx',
  'my',
]
