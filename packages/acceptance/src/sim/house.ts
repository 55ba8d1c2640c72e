import { CloudError, type Millis, type Value, type Version } from '@nearcloud/protocol'
import type { Actor, LogLine } from '@nearcloud/server'
import { Fanout, LiveEnvironment, refused, Sessions, type Tokens, Users } from '@nearcloud/server/testing'
import { seededRandom } from '@nearcloud/store/testing'
import type { Dice } from '../scenario/dice.ts'
import type { Listening } from './network.ts'
import type { ChangingJudge } from './rules.ts'
import type { Lane, Owner, Schedule } from './schedule.ts'
import type { SimDisk } from './sim-disk.ts'
import { SimEngine } from './sim-engine.ts'

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
}

/** One server process over the disk: everything that `createServer` puts together, without sockets and files. */
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
    const sessions = new Sessions({
      environment,
      fanout,
      tokens,
      limits: { heartbeatMs },
      log,
      clock,
      ...(users && { users }),
      invoke: ({ name, data, actor }) => invoke(name, data, actor, this),
      askFiles: async () => {
        throw new CloudError('STORAGE_FILE_NONEXIST', { errMsg: 'there are no files here' })
      },
    })
    users?.onGone((openid, error) => sessions.sendAwayUser(openid, error))
    users?.onSessionEnded(name => sessions.sendAwaySession(name, refused('ended')))
    this.sessions = sessions
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
