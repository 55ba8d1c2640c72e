import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dice } from '../scenario/dice.ts'
import { until } from '../scenario/until.ts'
import { differences, expectedOf, rules, wholeHistory, windowOf } from './deeds.ts'
import { judge } from './judge.ts'
import type { Report } from './report.ts'
import { readSavedState } from './saved-state.ts'
import { type ServerLife, ServerProcess } from './server-process.ts'
import { Writer } from './writer.ts'

export interface WorldOptions {
  readonly dice: Dice
  readonly report: Report
  readonly shim: string
  /** The server's program; default: the `nearcloud` command. */
  readonly main?: string
  /** A function runs for every note; its process costs as much as the rest of a start. */
  readonly hasTrigger: boolean
  /** Violations are expected: they are not printed, and nothing is kept. */
  readonly isQuiet?: boolean
}

/** One data folder from its first start on, and four real clients in this process, which outlive the server. */
export class World {
  readonly home = mkdtempSync(join(tmpdir(), 'nearcloud-crash-'))
  readonly server: ServerProcess
  readonly writers: Writer[] = []
  /** What is happening, for whoever reads of a violation. */
  where = 'at first'
  readonly #options: WorldOptions
  readonly #violationsBefore: number

  constructor(options: WorldOptions) {
    const { shim, main, hasTrigger, report } = options
    const project = makeProject(this.home, hasTrigger)
    this.server = new ServerProcess({ project, home: this.home, shim, ...(main && { main }) })
    this.#options = options
    this.#violationsBefore = report.violations.length
  }

  wrong(words: string): void {
    this.#options.report.violations.push(`${this.home}, ${this.where}: ${words}`)
  }

  get isSound(): boolean {
    return this.#options.report.violations.length === this.#violationsBefore
  }

  /** Opens the clients, once, and has what they write to on their devices: nothing is written by them before. */
  async openWriters(life: ServerLife): Promise<void> {
    const url = await life.url
    if (url !== undefined && this.writers.length === 0) await this.#openWriters(url)
  }

  /**
   * Brings the clients in step, and holds what they show against what they did. False when the server went meanwhile, or `isGivenUp` then says
   * that others write by now.
   */
  async converge(life: ServerLife, isGivenUp = () => false): Promise<boolean> {
    const { writers } = this
    if ((await life.url) === undefined) return false
    await this.openWriters(life)
    for (const { cloud } of writers) cloud.goOnline()
    let isOver = false
    const over = life.ended.then(() => {
      isOver = true
    })
    const limit = this.#limit(life, isGivenUp)
    try {
      // the second time for what another one brought in the first
      for (let round = 0; round < 2; round++)
        await Promise.race([over, Promise.all(writers.map(({ cloud }) => cloud.whenSynced()))])
    } finally {
      clearTimeout(limit)
    }
    if (isOver || isGivenUp()) return false
    const expected = expectedOf(writers.map(({ deeds }) => deeds))
    for (const writer of writers) {
      const found = await writer.documents()
      if (isGivenUp()) return false
      for (const words of differences(expected, found)) this.wrong(`${writer.name} shows: ${words}`)
      for (const words of differences(expected, { ...found, log: writer.watched }))
        this.wrong(`the watch of ${writer.name} shows: ${words}`)
      if (String(writer.window) !== String(windowOf(expected)))
        this.wrong(`the window of ${writer.name} shows ${writer.window}, not ${windowOf(expected)}`)
      const waiting = writer.deeds.filter(({ id }) => !writer.acknowledged.has(id))
      if (waiting.length > 0)
        this.wrong(`${writer.name} is in step, and ${waiting.length} deeds have no answer`)
    }
    this.#options.report.converged++
    return true
  }

  /** Lets the clients write; resolves when the server is gone. */
  async write(life: ServerLife): Promise<void> {
    this.startWriting()
    const limit = this.#limit(life)
    await life.ended
    clearTimeout(limit)
    await this.stopWriting()
  }

  startWriting(): void {
    const { dice } = this.#options
    const uploading = dice.pick(this.writers)
    // it may wait for the server for long: what becomes of it is looked at when the clients are in step again
    uploading
      .upload(`${uploading.name} ${dice.below(2 ** 31)}`)
      .catch(error => this.wrong(`upload: ${String(error)}`))
    for (const writer of this.writers) writer.start(dice)
  }

  async stopWriting(): Promise<void> {
    await Promise.all(this.writers.map(writer => writer.stop()))
  }

  /** Holds what a server that is gone has left against what its clients did. */
  judge(): void {
    const { home, server, writers } = this
    for (const words of judge(readSavedState(server.data, home), writers)) this.wrong(words)
    const hasListened = writers.length > 0
    if (hasListened && !existsSync(join(server.data, 'port'))) this.wrong('the port is forgotten')
  }

  /** A last life without faults, in which everything comes to rest, and a stop as one stops a server. */
  async end(): Promise<void> {
    const { home, server, writers } = this
    const { hasTrigger, report } = this.#options
    this.where = 'at the end'
    const life = server.start()
    await this.converge(life)
    for (const writer of writers) for (const words of await writer.wrongFiles()) this.wrong(words)
    const triggered = () => readSavedState(server.data, home).receipts.size
    const notes = hasTrigger ? expectedOf(writers.map(({ deeds }) => deeds)).added.size : 0
    await until(`${notes} receipts`, () => triggered() === notes, 60_000).catch(error =>
      this.wrong(error.message),
    )
    report.triggered += triggered()
    life.kill('SIGTERM')
    const { code } = await life.ended
    if (code !== 0) this.wrong(`the server stopped with ${code}: ${life.said().slice(-500)}`)
    this.judge()
    for (const { name, complaints, errors } of writers) {
      for (const words of complaints) this.wrong(`${name}: ${words}`)
      const { ABORTED: _, ...others } = errors
      if (Object.keys(others).length > 0) this.wrong(`${name} heard of ${JSON.stringify(others)}`)
    }
    for (const { deeds, acknowledged, uploaded } of writers) {
      report.uploaded += uploaded.size
      report.made += deeds.length
      report.acknowledged += acknowledged.size
    }
  }

  /** Closes the clients; what a world with a violation left is kept. */
  async close(): Promise<void> {
    await Promise.all(this.writers.map(writer => writer.close()))
    const { report, isQuiet = false } = this.#options
    const violations = isQuiet ? [] : report.violations.slice(this.#violationsBefore)
    for (const words of violations.slice(0, 6)) console.error(words.slice(0, 1_000))
    if (violations.length === 0) rmSync(this.home, { recursive: true, force: true })
  }

  async #openWriters(endpoint: string): Promise<void> {
    // Node 20 never answers its first fetch when the connection is reset while it still compiles its parser (the upload's
    // own limit of two minutes ends it)
    await (await fetch(`${endpoint}/health`).catch(() => undefined))?.text()
    const shared = ['shared0', 'shared1', 'shared2']
    const writers = ['w0', 'w1', 'w2', 'w3']
    for (const name of writers)
      this.writers.push(await Writer.open({ name, endpoint, folder: join(this.home, name), shared, writers }))
    for (const writer of this.writers) await writer.sayHello()
    await this.writers[0]!.makeShared()
  }

  /** A life in which nothing happens for so long hangs. */
  #limit(life: ServerLife, isGivenUp = () => false): NodeJS.Timeout {
    return setTimeout(() => {
      if (isGivenUp()) return
      const states = this.writers.map(({ name, cloud, deeds, acknowledged }) =>
        JSON.stringify({ name, ...cloud.status(), deeds: deeds.length, acknowledged: acknowledged.size }),
      )
      this.wrong(`nothing happens any more (${states.join(' ')}): ${life.said().slice(-500)}`)
      life.kill()
    }, 60_000)
  }
}

function makeProject(home: string, hasTrigger: boolean): string {
  const project = join(home, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'rules.json'), JSON.stringify(rules))
  writeFileSync(join(project, 'nearcloud.json'), wholeHistory)
  if (!hasTrigger) return project
  const receipts = join(project, 'cloudfunctions', 'receipts')
  mkdirSync(receipts, { recursive: true })
  for (const [name, text] of Object.entries(receiptsFunction)) writeFileSync(join(receipts, name), text)
  return project
}

/** A trigger: a receipt for each note. */
const receiptsFunction = {
  'config.json': JSON.stringify({
    triggers: [{ name: 'notes', type: 'database', config: { collection: 'notes', events: ['add'] } }],
  }),
  'index.js': `
    const cloud = require('wx-server-sdk')
    cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
    exports.main = ({ data }) =>
      cloud.database().collection('receipts').doc(data.docId).set({ data: { edits: data.doc.edits } })`,
}
