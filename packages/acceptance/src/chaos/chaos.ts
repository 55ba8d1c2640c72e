import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Deed,
  type Documents,
  differences,
  expectedOf,
  rules,
  wholeHistory,
  windowOf,
} from '../crash/deeds.ts'
import { judge } from '../crash/judge.ts'
import { readSavedState } from '../crash/saved-state.ts'
import { ServerProcess } from '../crash/server-process.ts'
import { openRelay } from '../relay/relay.ts'
import { createDice } from '../scenario/dice.ts'
import { until } from '../scenario/until.ts'
import type { Told } from './client.ts'
import { ClientProcess } from './client-process.ts'
import { Holdings, type HoldingsReport, tooMuchOf } from './holdings.ts'
import { weather } from './weather.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly clients: number
  /** Bad weather lasts until then, or until everybody has done `most`. */
  readonly minutes: number
  /** What each client does, at most. */
  readonly most: number
  /** Between two deeds of a client, at most; half of it on the average. */
  readonly paceMs: number
  /** A spell of weather: a quarter of it to five quarters. */
  readonly spellMs: number
  /** Connections get stuck, too: they carry nothing any more, and nobody is told. */
  readonly isSticking: boolean
  /** The server keeps as little history as servers do: then what all show is compared, and the history is not judged. */
  readonly isShort?: boolean
  /** Told every ten seconds. */
  readonly progress?: (words: string) => void
}

export interface ChaosReport {
  readonly violations: readonly string[]
  readonly made: number
  readonly acknowledged: number
  readonly refused: number
  /** From the end of bad weather until all were equal. */
  readonly equalAfterMs: number
  readonly faults: Readonly<Record<string, number>>
  readonly connections: number
  readonly bytes: { readonly up: number; readonly down: number }
  /** `error` events of all clients, by code. */
  readonly errors: Readonly<Record<string, number>>
  /** Megabytes, by process: at the end, and more in a minute. */
  readonly memory: Readonly<Record<string, { readonly mb: number; readonly mbPerMinute: number }>>
  readonly server: HoldingsReport
  readonly seconds: number
}

/**
 * Real client processes and one real server process with a network between them that misbehaves. When it stops all have to be
 * equal within a minute, without a hint: nothing lost, nothing doubled, nobody dead.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const began = performance.now()
  const home = mkdtempSync(join(tmpdir(), 'nearcloud-chaos-'))
  const project = join(home, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'rules.json'), JSON.stringify(rules))
  if (!options.isShort) writeFileSync(join(project, 'nearcloud.json'), wholeHistory)
  const violations: string[] = []
  const server = new ServerProcess({ project, home })
  const life = server.start()
  const clients: ClientProcess[] = []
  const url = await life.url
  if (url === undefined) throw new Error(`the server does not start: ${life.said()}`)
  const relay = await openRelay({ to: url, seed: options.seed })
  const dice = createDice(options.seed)
  const memory = new Memory()
  let timer: NodeJS.Timeout | undefined
  try {
    const names = Array.from({ length: options.clients }, (_, n) => `w${n}`)
    const shared = Array.from({ length: 12 }, (_, n) => `shared${n}`)
    for (const name of names) {
      const folder = join(home, name)
      clients.push(await ClientProcess.open({ name, endpoint: relay.url, folder, shared, writers: names }))
    }
    for (const [n, client] of clients.entries()) await client.ask({ ask: 'hello', isFirst: n === 0 })
    const status = () => Promise.all(clients.map(client => client.ask({ ask: 'status' })))
    await until('everybody is there', async () => (await status()).every(({ pending }) => pending === 0))

    const holdings = new Holdings(life.pid, server.data)
    const bad = weather(relay, dice, options)
    let seconds = 0
    timer = setInterval(() => {
      memory.note('server', life.pid)
      holdings.note()
      for (const client of clients) memory.note(client.name, client.pid)
      if (++seconds % 10 === 0)
        void status().then(
          all => {
            const made = all.reduce((sum, each) => sum + each.made, 0)
            const pending = all.map(each => `${each.state} ${each.pending}`).join(', ')
            options.progress?.(`${seconds} s: ${made} made, waiting: ${pending}`)
          },
          () => undefined,
        )
    }, 1_000)
    const over = new Promise(resolve => setTimeout(resolve, options.minutes * 60_000).unref())
    const { paceMs: mostMs, most } = options
    const writing = clients.map(client =>
      client.ask({ ask: 'write', seed: dice.below(2 ** 31), mostMs, most }),
    )
    await Promise.race([over, Promise.all(writing)])
    bad.stop()
    const calmAt = performance.now()
    await Promise.all(clients.map(client => client.ask({ ask: 'stop' })))
    let told: Told[] = []
    let apart: string[] = ['nobody was asked']
    await until(
      'all are equal',
      async () => {
        if ((await status()).some(({ pending }) => pending > 0)) return false
        told = await Promise.all(clients.map(client => client.ask({ ask: 'tell' })))
        apart = apartFrom(told)
        return apart.length === 0
      },
      60_000,
    ).catch(async () => {
      const states = JSON.stringify(await status())
      violations.push(`not equal after a minute (${states}): ${apart.slice(0, 10).join('; ')}`)
    })
    const equalAfterMs = Math.round(performance.now() - calmAt)
    clearInterval(timer)
    told = await Promise.all(clients.map(client => client.ask({ ask: 'tell' })))

    const held = holdings.report()
    violations.push(...tooMuchOf(held))
    for (const [n, { complaints }] of told.entries())
      for (const words of complaints) violations.push(`w${n}: ${words}`)
    const accounts = told.map(({ deeds, acknowledged }, n) => ({
      name: `w${n}`,
      deeds,
      acknowledged: new Set(acknowledged),
    }))
    for (const { name, deeds, acknowledged } of accounts)
      if (acknowledged.size !== deeds.length)
        violations.push(`${name}: ${deeds.length} deeds, ${acknowledged.size} answers`)
    if (!options.isShort) violations.push(...judge(readSavedState(server.data, home), accounts))
    for (const { end } of clients) if (end !== undefined) violations.push(end)
    life.kill('SIGTERM')
    const { code } = await life.ended
    if (code !== 0) violations.push(`the server ended with ${code}: ${life.said().slice(-1_000)}`)
    const all: Deed[] = told.flatMap(({ deeds }) => deeds)
    const errors: Record<string, number> = {}
    for (const each of told)
      for (const [name, n] of Object.entries(each.errors)) errors[name] = (errors[name] ?? 0) + n
    return {
      violations,
      made: all.length,
      acknowledged: told.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
      refused: all.filter(({ kind }) => kind === 'refused').length,
      equalAfterMs,
      faults: { ...relay.counts },
      connections: relay.made,
      bytes: { ...relay.bytes },
      errors,
      memory: memory.report(),
      server: held,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }
  } finally {
    clearInterval(timer)
    await Promise.all(clients.map(client => client.close()))
    await relay.stop()
    life.kill()
    await life.ended
    if (violations.length === 0) rmSync(home, { recursive: true, force: true })
  }
}

/** What clients show besides what all of them did. */
function apartFrom(told: readonly Told[]): string[] {
  const expected = expectedOf(told.map(({ deeds }) => deeds))
  return told.flatMap((each, n) => {
    const found = Object.fromEntries(
      each.documents.map(([name, documents]) => [name, new Map(documents)]),
    ) as unknown as Documents
    const watched = new Map(each.watched) as Documents['log']
    const wrongWindow = String(each.window) !== String(windowOf(expected))
    return [
      ...differences(expected, found).map(words => `w${n} shows: ${words}`),
      ...differences(expected, { ...found, log: watched }).map(words => `the watch of w${n} shows: ${words}`),
      ...(wrongWindow ? [`the window of w${n} shows ${each.window}, not ${windowOf(expected)}`] : []),
    ]
  })
}

/** What processes hold of the machine's memory, over time. */
class Memory {
  readonly #samples = new Map<string, { readonly minute: number; readonly mb: number }[]>()
  readonly #began = performance.now()

  note(name: string, pid: number): void {
    const samples = this.#samples.get(name) ?? []
    this.#samples.set(name, samples)
    try {
      const kb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
      samples.push({ minute: (performance.now() - this.#began) / 60_000, mb: kb / 1_024 })
    } catch {
      // no such system, or the process is gone: who asks for its end is told so
    }
  }

  /** The slope of the later half, when everything has been used once. */
  report(): ChaosReport['memory'] {
    return Object.fromEntries(
      [...this.#samples].map(([name, samples]) => {
        const later = samples.slice(samples.length >> 1)
        return [
          name,
          { mb: Math.round(later.at(-1)?.mb ?? 0), mbPerMinute: Math.round(slopeOf(later) * 10) / 10 },
        ]
      }),
    )
  }
}

/** By least squares. */
function slopeOf(samples: readonly { readonly minute: number; readonly mb: number }[]): number {
  const mean = (of: (sample: { minute: number; mb: number }) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const [x, y] = [mean(({ minute }) => minute), mean(({ mb }) => mb)]
  const spread = mean(({ minute }) => (minute - x) ** 2)
  return spread > 0 ? mean(({ minute, mb }) => (minute - x) * (mb - y)) / spread : 0
}
