import { createDice, type Dice } from '../../scenario/dice.ts'
import type { Op, Transaction } from '../transaction.ts'

/** What a system may do that it must not. */
export const flawNames = [
  'reads an older moment',
  'does not look after what was read',
  'reads each list at another moment',
  'shows what is not committed',
  'loses what was acknowledged',
  'does half of what it was asked',
  'does it twice',
  'does it later than it says',
  'a device forgets what waits',
  'a device goes back',
  'a device takes half of a commit',
  'a device sends in another order',
] as const
export type FlawName = (typeof flawNames)[number]

export interface SimulatedOptions {
  readonly seed: number
  readonly flaw?: FlawName
}

type Appends = readonly (readonly [list: string, value: string])[]

const lists = ['x', 'y', 'z']
const strangers = 3
const devices = 2
const steps = 80

/** The history of a server in memory, of sessions that ask it, and of devices with copies, one step of somebody after the other. */
export function simulatedHistory({ seed, flaw }: SimulatedOptions): Transaction[] {
  return new Simulation(createDice(seed), flaw).run()
}

interface Pending {
  readonly appends: Appends
  readonly begun: number
}

interface Device {
  readonly name: string
  /** How many commits of the server its copy has. */
  at: number
  readonly waiting: Pending[]
}

/** Asked, and not done yet. */
interface Asked {
  readonly session: string
  readonly begun: number
  readonly wishes: readonly (readonly [isAppend: boolean, list: string])[]
  /** The moment it looks at. */
  readonly at: number
}

class Simulation {
  readonly #dice: Dice
  readonly #flaw: FlawName | undefined
  readonly #history: Transaction[] = []
  readonly #commits: Appends[] = []
  readonly #asked: Asked[] = []
  readonly #late: Appends[] = []
  readonly #devices: Device[] = Array.from({ length: devices }, (_, n) => ({
    name: `device-${n}`,
    at: 0,
    waiting: [],
  }))
  #now = 0
  #values = 0

  constructor(dice: Dice, flaw: FlawName | undefined) {
    this.#dice = dice
    this.#flaw = flaw
  }

  run(): Transaction[] {
    for (let step = 0; step < steps; step++) {
      this.#now++
      if (this.#dice.below(2) === 0) this.#turnOfStranger()
      else this.#turnOfDevice(this.#dice.pick(this.#devices))
      const late = this.#late.length > 0 && this.#dice.below(4) === 0 ? this.#late.shift() : undefined
      if (late) this.#commits.push(late)
    }
    for (const asked of this.#asked.splice(0)) this.#finish(asked)
    this.#commits.push(...this.#late)
    for (const device of this.#devices) while (device.waiting.length > 0) this.#send(device)
    this.#now++
    const ops = lists.map((list): Op => ['read', list, this.#listAt(list, this.#commits.length)])
    this.#record({ session: 'last', begun: this.#now, ops, outcome: 'ok' })
    return this.#history
  }

  #is(flaw: FlawName): boolean {
    return this.#flaw === flaw && this.#dice.below(3) === 0
  }

  /** One of several that may be asked at once begins or ends. */
  #turnOfStranger(): void {
    if (this.#asked.length > 0 && this.#dice.below(strangers) < this.#asked.length) {
      const [asked] = this.#asked.splice(this.#dice.below(this.#asked.length), 1)
      this.#finish(asked!)
      return
    }
    const busy = new Set(this.#asked.map(({ session }) => session))
    const session = Array.from({ length: strangers }, (_, n) => `stranger-${n}`).find(name => !busy.has(name))
    if (session === undefined) return
    const wishes = Array.from(
      { length: 1 + this.#dice.below(4) },
      () => [this.#dice.below(2) === 0, this.#dice.pick(lists)] as const,
    )
    this.#asked.push({ session, begun: this.#now, wishes, at: this.#commits.length })
  }

  #finish({ session, begun, wishes, at }: Asked): void {
    const head = this.#commits.length
    const appends: (readonly [string, string])[] = []
    const ops: Op[] = []
    const isStale = this.#is('reads an older moment')
    const isLoose = this.#is('does not look after what was read')
    const isEach = this.#is('reads each list at another moment')
    const moment = isStale ? this.#dice.below(head + 1) : isLoose ? at : head
    const momentOf = new Map(lists.map(list => [list, isEach ? this.#dice.below(head + 1) : moment]))
    for (const [isAppend, list] of wishes) {
      const own = appends.filter(([of]) => of === list).map(([, value]) => value)
      if (isAppend) {
        const value = `v${this.#values++}`
        appends.push([list, value])
        ops.push(['append', list, value])
      } else ops.push(['read', list, [...this.#listAt(list, momentOf.get(list)!), ...own]])
    }
    const fate = this.#dice.below(12)
    const outcome = fate === 0 ? 'failed' : fate < 3 && appends.length > 0 ? 'unknown' : 'ok'
    const isDone = outcome === 'ok' || (outcome === 'unknown' && this.#dice.below(2) === 0)
    const isShown = this.#is('shows what is not committed') && appends.length > 0
    if (isShown) {
      const seen = this.#is('shows what is not committed') ? appends.slice(0, 1) : appends
      const [list] = seen[0]!
      const values = [
        ...this.#listAt(list, head),
        ...seen.filter(([of]) => of === list).map(([, value]) => value),
      ]
      this.#record({ session: 'peeping', begun: this.#now, ops: [['read', list, values]], outcome: 'ok' })
    }
    if (isDone) this.#commit(appends)
    this.#now++
    this.#record({ session, begun, ops, outcome })
  }

  #commit(appends: Appends): void {
    if (appends.length === 0) return
    if (this.#is('loses what was acknowledged')) return
    if (this.#is('does it later than it says')) this.#late.push(appends)
    else if (this.#is('does half of what it was asked')) this.#commits.push(appends.slice(1))
    else if (this.#is('does it twice')) this.#commits.push(appends, appends)
    else this.#commits.push(appends)
  }

  #turnOfDevice(device: Device): void {
    switch (this.#dice.below(4)) {
      case 0: {
        const count = 1 + this.#dice.below(2)
        const appends = Array.from(
          { length: count },
          () => [this.#dice.pick(lists), `v${this.#values++}`] as const,
        )
        device.waiting.push({ appends, begun: this.#now })
        return
      }
      case 1:
        if (device.waiting.length > 0) this.#send(device)
        return
      case 2: {
        const before = device.at
        device.at += this.#dice.below(this.#commits.length - device.at + 1)
        if (this.#is('a device goes back')) device.at = Math.max(0, before - 1 - this.#dice.below(3))
        return
      }
      case 3: {
        const isForgetful = this.#is('a device forgets what waits')
        const own = isForgetful ? [] : device.waiting.flatMap(({ appends }) => appends)
        const half = this.#is('a device takes half of a commit') ? this.#dice.pick(lists) : undefined
        const ops = lists.map((list): Op => {
          const copy = this.#listAt(list, list === half ? device.at + 1 : device.at)
          const known = new Set(copy)
          return [
            'read',
            list,
            [...copy, ...own.flatMap(([of, value]) => (of === list && !known.has(value) ? [value] : []))],
          ]
        })
        this.#record({
          session: device.name,
          begun: this.#now,
          ops,
          outcome: 'ok',
          local: { hereAt: this.#now },
        })
        return
      }
    }
  }

  /** What waits longest is decided, and what the device has then is no older. */
  #send(device: Device): void {
    const isAnother = device.waiting.length > 1 && this.#is('a device sends in another order')
    const [{ appends, begun }] = device.waiting.splice(isAnother ? 1 : 0, 1) as [Pending]
    const isRefused = this.#dice.below(10) === 0
    if (!isRefused) this.#commit(appends)
    device.at = this.#commits.length
    this.#now++
    this.#record({
      session: device.name,
      begun,
      ops: appends.map(([list, value]): Op => ['append', list, value]),
      outcome: isRefused ? 'failed' : 'ok',
      local: { hereAt: begun + 0.5 },
    })
  }

  #listAt(list: string, commits: number): string[] {
    return this.#commits
      .slice(0, commits)
      .flatMap(appends => appends.flatMap(([of, value]) => (of === list ? [value] : [])))
  }

  #record(transaction: Omit<Transaction, 'ended'>): void {
    this.#history.push({ ...transaction, ended: this.#now })
  }
}
