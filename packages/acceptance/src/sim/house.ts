import {
  CloudError,
  type FilesAsk,
  type Millis,
  toCloudError,
  type Value,
  type Version,
} from '@nearcloud/protocol'
import type { Actor, LogLine } from '@nearcloud/server'
import {
  CallOnce,
  Fanout,
  type Files,
  LiveEnvironment,
  openFiles,
  refused,
  SeenTokens,
  Sessions,
  serveCalls,
  serveFiles,
  type Tokens,
  Users,
} from '@nearcloud/server/testing'
import { seededRandom } from '@nearcloud/store/testing'
import type { Dice } from '../scenario/dice.ts'
import type { Asked } from './call-ledger.ts'
import type { Answering } from './exchanges.ts'
import type { Listening } from './network.ts'
import type { ChangingJudge } from './rules.ts'
import type { Lane, Owner, Schedule } from './schedule.ts'
import type { SimDisk } from './sim-disk.ts'
import { SimEngine } from './sim-engine.ts'
import { noSpace } from './sim-folder.ts'

export interface HouseOptions {
  readonly name: string
  readonly schedule: Schedule
  readonly disk: SimDisk
  readonly dice: Dice
  /** How much longer than others its disk takes. */
  readonly slowness: number
  /** How much of a snapshot waits until all of it is known. */
  readonly heldCharacters: number
  /** How often its clients ping. */
  readonly heartbeatMs: Millis
  /** How far ahead its clock is. */
  readonly skewMs: () => Millis
  readonly judge: ChangingJudge
  readonly tokens: Tokens
  /** May people sign in by name? */
  readonly hasUsers: boolean
  readonly seed: number
  readonly log: (line: LogLine) => void
  readonly invoke: (name: string, data: Value, actor: Actor, house: House) => Promise<Value>
  /** How many bytes of files there may be; undefined: there are no files here. */
  readonly quota: { readonly userBytes?: number } | undefined
  /** A file is refused, by the digest that was told. */
  readonly fileRefused: (sha256: string, code: string) => void
  /** Runs a function that is called over HTTP; absent: nobody does. */
  readonly run?: (asked: Asked) => Promise<Value>
}

/** One server process over the disk: everything that `createServer` puts together, without sockets. */
export class House implements Owner {
  readonly name: string
  readonly turns: Lane
  readonly engine: SimEngine
  readonly environment: LiveEnvironment
  readonly #options: HouseOptions
  #fanout: Fanout | undefined
  sessions: Sessions | undefined
  /** Those with a name. */
  users: Users | undefined
  files: Files | undefined
  /** The next bytes of a file find no place. */
  isDiskFull = false
  /** It dies with so many more steps of the disk on files; 0: it does not. */
  fatalTurn = 0
  /** The next function that is called over HTTP is its end. */
  hasFatalCall = false
  isDying = false
  readonly #fileLane: Lane
  readonly #functionLane: Lane
  #serve: ((request: Request) => Promise<Response>) | undefined

  constructor(options: HouseOptions) {
    const { name, schedule, disk, dice, judge, log, skewMs } = options
    this.name = name
    this.#options = options
    this.turns = schedule.lane(`${name} turn`, this)
    const lane = schedule.lane(`${name} disk`, this)
    lane.slowness = options.slowness
    const reading = [1, 6].map(longer => {
      const reading = schedule.lane(`${name} disk reads`, this)
      reading.slowness = longer * options.slowness
      return reading
    })
    this.engine = new SimEngine(disk, { lane, reading, dice })
    this.#fileLane = schedule.lane(`${name} files`, this)
    this.#fileLane.slowness = options.slowness
    this.#functionLane = schedule.lane(`${name} function`, this)
    const clock = schedule.clockOf(this, skewMs)
    this.environment = new LiveEnvironment({
      ...{ env: 'sim', engine: this.engine, clock, judge, log },
      random: seededRandom(options.seed),
    })
  }

  async open(): Promise<void> {
    const { tokens, log, invoke, heartbeatMs, hasUsers } = this.#options
    const { environment } = this
    const { clock } = environment
    // parts of a document each: whatever may come between two of them does
    const fanout = await Fanout.open(this.environment, {
      parts: { characters: 150, heldCharacters: this.#options.heldCharacters, changeCharacters: 400 },
    })
    this.#fanout = fanout
    const users = hasUsers ? await Users.open({ environment, tokens, clock, log }) : undefined
    this.users = users
    const files = await this.#openFiles()
    const sessions = new Sessions({
      environment,
      fanout,
      tokens,
      limits: { heartbeatMs },
      log,
      clock,
      ...(users && { users }),
      invoke: ({ name, data, actor }) => invoke(name, data, actor, this),
      askFiles: (actor, ask) => this.#askFiles(actor, ask),
    })
    users?.onGone((openid, error) => sessions.sendAwayUser(openid, error))
    users?.onSessionEnded(name => sessions.sendAwaySession(name, refused('ended')))
    this.files = files
    const toFiles = files && serveFiles(files)
    const toCalls = await this.#openCalls()
    this.#serve = request => (toCalls && isCall(request) ? toCalls(request) : toFiles!(request))
    this.sessions = sessions
  }

  async #openCalls(): Promise<((request: Request) => Promise<Response>) | undefined> {
    const { run, tokens, seed } = this.#options
    if (!run) return undefined
    const { environment, engine, users } = this
    const { clock, env } = environment
    const seen = users && new SeenTokens(users, clock)
    const identify = async (token: string) => {
      if (seen) return seen.identify(token)
      const { openid } = await tokens.read('access', env, token)
      return { kind: 'user', openid } as const
    }
    const once = await CallOnce.open({ environment, clock })
    const random = seededRandom(seed + 60)
    const head = () => engine.head(env)
    return serveCalls({ functions: { invoke: run }, once, random, head, identify })
  }

  async #openFiles(): Promise<Files | undefined> {
    const { quota, disk, tokens, log, seed } = this.#options
    if (!quota) return undefined
    const { environment } = this
    return openFiles({
      ...{ folder: '/files', env: 'sim', environment, tokens, clock: environment.clock, quota, log },
      random: seededRandom(seed + 50),
      disk: disk.folder.diskFor({
        turn: label => this.#turnOfFile(label),
        mayWrite: () => {
          if (!this.isDiskFull) return
          this.isDiskFull = false
          disk.count('server storage full')
          throw noSpace()
        },
      }),
      // a file has several parts, and a clock that jumps by an hour makes all of them old
      ...{ partBytes: 256, leftoverMs: 1_800_000, sweepEveryMs },
    })
  }

  async #askFiles(actor: Actor, ask: FilesAsk): Promise<Value> {
    if (!this.files) throw new CloudError('STORAGE_FILE_NONEXIST', { errMsg: 'there are no files here' })
    try {
      const answer = await this.files.ask(actor, ask)
      const { offset } = answer as { offset?: number }
      if (ask.verb === 'upload' && offset! > 0 && offset! < ask.size)
        this.#options.disk.count('upload goes on where it was left')
      return answer
    } catch (thrown) {
      if (ask.verb === 'upload') this.#options.fileRefused(ask.sha256, toCloudError(thrown).code)
      throw thrown
    }
  }

  /** A function takes its time. */
  async turnOfFunction(): Promise<void> {
    await new Promise<void>(resolve => this.#functionLane.push('work', resolve))
    if (!this.hasFatalCall) return
    this.hasFatalCall = false
    this.isDying = true
  }

  #turnOfFile(label: string): Promise<void> {
    return new Promise(resolve => {
      this.#fileLane.push(label, () => {
        if (this.fatalTurn > 0 && --this.fatalTurn === 0) this.isDying = true
        else resolve()
      })
    })
  }

  /** Is the disk at work for a file? */
  get isBusyWithFiles(): boolean {
    return (this.isDying || this.#fileLane.length > 0) && this.files !== undefined
  }

  get answering(): Answering | undefined {
    const serve = this.#serve
    return serve && { owner: this, answer: serve }
  }

  get listening(): Listening | undefined {
    const { sessions } = this
    return sessions && { owner: this, begin: wire => sessions.begin(wire) }
  }

  /** The last version that was published; 0 before it is open. */
  get head(): Version {
    return this.#fanout?.head ?? 0
  }

  rulesChanged(): void {
    this.sessions?.sendAway(new CloudError('ABORTED', { errMsg: 'the rules changed' }), 0)
  }

  /** Says goodbye, as before a new release. */
  sendEverybodyAway(): void {
    this.sessions?.sendAway(new CloudError('ABORTED', { errMsg: 'the server is stopping' }), 1_000)
  }
}

function isCall({ url }: Request): boolean {
  return new URL(url).pathname.startsWith('/functions/')
}

/** How often what is left over is looked for. */
export const sweepEveryMs = 3_000
