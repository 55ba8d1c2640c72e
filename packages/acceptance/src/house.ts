/**
 * The house as docs/architecture.md draws it: what each package may import. Of ours, what lies below it on its own line;
 * of others, what it was chosen for.
 */
export interface Room {
  readonly name: string
  /** Workspace packages it may depend on. */
  readonly below: readonly string[]
  /** Packages of others it may depend on. */
  readonly others: readonly string[]
  /** Whether it may use what only Node has. */
  readonly node: boolean
}

const pure = (name: string, below: readonly string[], others: readonly string[] = []): Room => ({
  name,
  below,
  others,
  node: false,
})
const onNode = (name: string, below: readonly string[], others: readonly string[] = []): Room => ({
  name,
  below,
  others,
  node: true,
})

const core = ['@nearcloud/protocol', '@nearcloud/query', '@nearcloud/store', '@nearcloud/sync']
const sqlite = '@photostructure/sqlite'

/** By folder under `packages/`. */
export const packages: Readonly<Record<string, Room>> = {
  protocol: pure('@nearcloud/protocol', [], ['valibot']),
  query: pure('@nearcloud/query', ['@nearcloud/protocol']),
  text: pure('@nearcloud/text', ['@nearcloud/protocol'], ['lib0', 'y-protocols', 'yjs']),
  store: pure('@nearcloud/store', ['@nearcloud/protocol', '@nearcloud/query']),
  sync: pure('@nearcloud/sync', ['@nearcloud/protocol', '@nearcloud/query', '@nearcloud/store']),
  client: pure('@nearcloud/client', core),
  browser: pure(
    '@nearcloud/browser',
    ['@nearcloud/client', '@nearcloud/text', ...core],
    ['comlink', 'dexie'],
  ),
  miniprogram: pure('@nearcloud/miniprogram', ['@nearcloud/client', '@nearcloud/text', ...core]),
  rxdb: pure(
    '@nearcloud/rxdb',
    ['@nearcloud/protocol', '@nearcloud/query', '@nearcloud/store'],
    ['rxdb', 'rxjs'],
  ),
  node: onNode('@nearcloud/node', ['@nearcloud/client', '@nearcloud/text', ...core], [sqlite, 'ws']),
  'server-sdk': onNode('@nearcloud/server-sdk', ['@nearcloud/protocol', '@nearcloud/query']),
  server: onNode(
    '@nearcloud/server',
    ['@nearcloud/protocol', '@nearcloud/query', '@nearcloud/server-sdk', '@nearcloud/text'],
    [
      '@hono/node-server',
      '@opentelemetry/api',
      sqlite,
      'acorn',
      'ajv',
      'esbuild',
      'hono',
      'jose',
      'prom-client',
      'ws',
      'zod',
    ],
  ),
  cli: onNode('nearcloud', ['@nearcloud/server', '@nearcloud/protocol'], ['citty', 'csv-parse']),
  acceptance: onNode('@nearcloud/acceptance', [
    ...core,
    '@nearcloud/browser',
    '@nearcloud/client',
    '@nearcloud/miniprogram',
    '@nearcloud/node',
    '@nearcloud/rxdb',
    '@nearcloud/server',
    '@nearcloud/text',
    'nearcloud',
  ]),
}

/** Packages without any host global: they run in a phone, a browser and a server alike. */
export const pureFolders = ['protocol', 'query', 'store', 'sync', 'client']
