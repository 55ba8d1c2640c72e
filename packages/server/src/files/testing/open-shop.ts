import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FilesAsk } from '@nearcloud/protocol'
import { Hono } from 'hono'
import { afterEach, expect } from 'vitest'
import type { Actor } from '../../actor.ts'
import { openTokens } from '../../auth/tokens.ts'
import { LiveEnvironment } from '../../commit/live-environment.ts'
import type { Log } from '../../log-line.ts'
import { createJudge } from '../../rules/create-judge.ts'
import type { Judge } from '../../rules/judge.ts'
import { parseRules } from '../../rules/rules-file.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { MemoryEngine } from '../../testing/memory-engine.ts'
import type { FileCopy } from '../copies.ts'
import { type Files, openFiles } from '../files.ts'
import type { FileQuota } from '../usage.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

export const ann: Actor = { kind: 'user', openid: 'ann' }
export const bob: Actor = { kind: 'user', openid: 'bob' }
export const admin: Actor = { kind: 'admin' }

export interface Listed {
  fileID: string
  status: number
  errMsg: string
  tempFileURL: string
  maxAge: number
}

export interface UploadTicket {
  fileID: string
  uploadUrl: string
  offset: number
  partBytes: number
}

/** A server's files on a real disk; `restart` opens the same folder and records again. */
export async function openShop(
  storage: object | string | null = { read: true, write: 'resource.openid == auth.openid' },
  { quota = {}, log }: { quota?: FileQuota; log?: Log } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-files-'))
  endings.push(() => rm(folder, { recursive: true, force: true }))
  const clock = new ManualClock()
  const engine = new MemoryEngine()
  let judge = judgeOf(storage)
  const live: Judge = {
    get version() {
      return judge.version
    },
    readsOthers: false,
    concernedBy: () => undefined,
    checkQuery: (...of) => judge.checkQuery(...of),
    mayRead: (...of) => judge.mayRead(...of),
    readersOf: (...of) => judge.readersOf(...of),
    judgeWrite: (...of) => judge.judgeWrite(...of),
    judgeFile: (...of) => judge.judgeFile(...of),
    mayInvoke: (...of) => judge.mayInvoke(...of),
  }
  const environment = new LiveEnvironment({ env: 'app', engine, clock, judge: live })
  const tokens = await openTokens(folder, clock, size => new Uint8Array(randomBytes(size)))
  let app = new Hono()
  let files!: Files
  const open = async () => {
    files = await openFiles({
      folder: join(folder, 'files'),
      environment,
      tokens,
      clock,
      env: 'app',
      quota,
      ...(log && { log }),
    })
    app = new Hono()
    files.routes(app)
  }
  await open()
  endings.push(() => files.close())

  const shop = {
    clock,
    engine,
    environment,
    tokens,
    folder,
    restart: open,
    setRules(rules: object | string | null) {
      judge = judgeOf(rules)
    },
    ask: (actor: Actor, ask: FilesAsk) => files.ask(actor, ask),
    copy: (actor: Actor, copy: FileCopy) => files.copy(actor, copy),
    close: () => files.close(),
    request: (url: string, init?: RequestInit) => app.request(`http://server${url}`, init),
    async ticket(actor: Actor, path: string, bytes: Uint8Array, part: Partial<Told> = {}) {
      const told = { size: bytes.length, sha256: digest(bytes), contentType: 'text/plain', ...part }
      return (await files.ask(actor, { verb: 'upload', path, ...told })) as unknown as UploadTicket
    },
    put: (url: string, offset: number | string, bytes: string | Uint8Array | ReadableStream<Uint8Array>) =>
      shop.request(url, {
        method: 'PUT',
        body: bytes,
        headers: { 'upload-offset': String(offset) },
        ...({ duplex: 'half' } as object),
      }),
    async upload(actor: Actor, path: string, text: string | Uint8Array, part: Partial<Told> = {}) {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text
      const { uploadUrl, fileID, offset } = await shop.ticket(actor, path, bytes, part)
      if (offset === bytes.length && offset > 0) return fileID
      const answer = await shop.put(uploadUrl, offset, bytes.subarray(offset))
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({ fileID })
      return fileID
    },
    async urls(actor: Actor, ...list: string[]) {
      const ask: FilesAsk = { verb: 'urls', files: list.map(fileID => ({ fileID })) }
      return ((await files.ask(actor, ask)) as unknown as { fileList: Listed[] }).fileList
    },
    async url(actor: Actor, fileID: string) {
      return (await shop.urls(actor, fileID))[0]!.tempFileURL
    },
    async remove(actor: Actor, ...list: string[]) {
      return ((await files.ask(actor, { verb: 'delete', files: list })) as unknown as { fileList: Listed[] })
        .fileList
    },
    async text(actor: Actor, fileID: string) {
      const url = await shop.url(actor, fileID)
      return url === '' ? undefined : (await shop.request(url)).text()
    },
    async onDisk() {
      const all = await readdir(join(folder, 'files'), { recursive: true, withFileTypes: true })
      return all.filter(entry => entry.isFile()).length
    },
    async records() {
      const row = await environment
        .executorFor(admin)
        .run({ verb: 'get', query: { collection: '_files', where: ['and', []], orderBy: [], skip: 0 } })
      return row.documents
    },
  }
  return shop
}

export interface Told {
  size: number
  sha256: string
  contentType: string
}

function judgeOf(storage: object | string | null): Judge {
  return createJudge(parseRules(JSON.stringify(storage === null ? {} : { storage }), 'rules.json'), () => 0)
}

/** A body that says this much and then nothing more. */
export function hangingAfter(text: string): { stream: ReadableStream<Uint8Array>; isRead: Promise<void> } {
  let tell = () => {}
  const isRead = new Promise<void>(resolve => {
    tell = resolve
  })
  let asked = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (asked++ === 0) {
          controller.enqueue(Buffer.from(text))
          return undefined
        }
        tell()
        return new Promise<void>(() => undefined)
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, isRead }
}

export function digest(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export const idOf = (path: string) => `cloud://app.nearcloud/${path}`
