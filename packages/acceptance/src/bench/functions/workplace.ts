import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createServer as createCloudServer, type NearcloudServer } from '@nearcloud/server'

/** The work that everybody does: an answer of a few bytes. */
const work = 'event => ({ n: event.n + 1 })'

export interface Workplace {
  readonly server: NearcloudServer
  /** A function's own address over HTTP. */
  readonly functionUrl: string
  close(): Promise<void>
}

/** A server with so many functions `f0`, `f1`, …, each the same; `f0` answers HTTP, too. */
export async function openWorkplace(functions: number): Promise<Workplace> {
  const project = mkdtempSync(join(tmpdir(), 'nearcloud-bench-'))
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(project, file)), { recursive: true })
    writeFileSync(join(project, file), text)
  }
  for (let i = 0; i < functions; i++)
    write(
      `cloudfunctions/f${i}/index.js`,
      `const cloud = require('wx-server-sdk')\ncloud.init()\nconst work = ${work}\nexports.main = async event => event.method ? work({ n: 1 }) : work(event)`,
    )
  const trigger = { name: 'web', type: 'http', config: { path: '/f0' } }
  write('cloudfunctions/f0/config.json', JSON.stringify({ triggers: [trigger] }))
  const server = await createCloudServer({ dataFolder: join(project, '.nearcloud'), project })
  return {
    server,
    functionUrl: `${server.url}/f0`,
    async close() {
      await server.stop()
      rmSync(project, { recursive: true, force: true })
    },
  }
}

/** A program that does the work for its parent, as plain as Node has it. */
export function bareWorker(): { file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-bench-'))
  const file = join(folder, 'worker.js')
  const code = `const work = ${work}\nprocess.on('message', ({ id, event }) => process.send({ id, result: work(event) }))\nprocess.send('ready')`
  writeFileSync(file, code)
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** So many of them, taking turns. */
export async function openPool(file: string, size: number) {
  const waiting = new Map<number, (result: unknown) => void>()
  const children: ChildProcess[] = []
  for (let i = 0; i < size; i++) {
    const child = fork(file, { stdio: 'ignore' })
    await once(child, 'message')
    child.on('message', ({ id, result }: { id: number; result: unknown }) => {
      waiting.get(id)?.(result)
      waiting.delete(id)
    })
    children.push(child)
  }
  let asked = 0
  return {
    call(event: object): Promise<unknown> {
      const id = ++asked
      children[id % size]!.send({ id, event })
      return new Promise(resolve => waiting.set(id, resolve))
    },
    close() {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}

/** An HTTP server that does the work itself, or has it done. */
export async function openHttp(answer: (event: object) => unknown): Promise<{ url: string; server: Server }> {
  const server = createServer(async (incoming, response) => {
    for await (const _ of incoming);
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await answer({ n: 1 })))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** Asks over connections that are kept. */
export function openClient(connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const ask = (url: string) =>
    new Promise<string>((resolve, reject) => {
      const asked = request(url, { agent }, response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => (text += chunk))
        response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))))
      })
      asked.on('error', reject)
      asked.end()
    })
  return { ask, close: () => agent.destroy() }
}

/** Milliseconds of each of so many, one after the other, sorted. */
export async function timesOf(count: number, run: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    await run(i)
    times.push(performance.now() - began)
  }
  return times.sort((a, b) => a - b)
}

export function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!
}
