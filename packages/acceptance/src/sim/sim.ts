import type { UploadQueue } from '@nearcloud/client/testing'
import { checkDevice, checkQuiet } from './check-quiet.ts'
import { checkStep } from './check-step.ts'
import { type Deed, deedsOf, momentsOf, surprise } from './deeds.ts'
import { followFalsified } from './falsify.ts'
import type { FaultCounts } from './faults.ts'
import { sweepEveryMs } from './house.ts'
import { type Invariant, invariantOf, Violation } from './invariants.ts'
import { misfortunesOf } from './misfortunes.ts'
import type { Setting } from './settings.ts'
import type { SharedDevice } from './shared-device.ts'
import { signInAndMerge } from './sign-ins.ts'
import { settled, takeTurns } from './turns.ts'
import { World } from './world.ts'

export interface Report {
  readonly seed: number
  readonly steps: number
  /** Equal runs have equal hashes. */
  readonly hash: string
  readonly decided: number
  readonly rejected: number
  /** How often each thing happened. */
  readonly happened: Readonly<Record<string, number>>
  readonly faults: FaultCounts
}

/** A run that broke a promise: `message` says which, and when. */
export class Broken extends Error {
  readonly invariant: Invariant
  readonly steps: number

  constructor(words: string, cause: unknown, steps: number) {
    super(words, { cause })
    this.invariant = invariantOf(cause)
    this.steps = steps
  }
}

/** One world from its beginning to quiet, checked all the way. Throws Broken. */
export async function runSeed(
  seed: number,
  options: { steps?: number; isLoud?: boolean; setting?: Setting | undefined } = {},
): Promise<Report> {
  let unhandled: unknown
  const onUnhandled = (reason: unknown) => {
    unhandled ??= reason ?? 'nothing'
  }
  process.on('unhandledRejection', onUnhandled)
  let world: World | undefined
  const release = takeTurns(task => world!.house!.turns.push('turn', task))
  try {
    world = new World(seed, options.setting)
    world.schedule.isLoud = options.isLoud ?? false
    const run = new Run(world)
    await run.begin()
    await run.live(options.steps ?? world.dice.pick([200, 400, 700, 1_200]))
    // what can only happen to those who have everything has its day as well
    await run.calm()
    await run.surpriseEverybody()
    await run.live(options.steps ?? world.dice.pick([150, 250, 400]))
    await run.quiet()
    if (unhandled !== undefined) throw unhandled
    const { decided } = world.disk
    return {
      seed,
      steps: world.schedule.steps,
      hash: world.schedule.hash,
      decided: decided.length,
      rejected: decided.filter(({ outcome }) => outcome.status === 'rejected').length,
      happened: run.happened,
      faults: world.faults,
    }
  } catch (thrown) {
    const words = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    const steps = world?.schedule.steps ?? 0
    throw new Broken(`seed ${seed}, step ${steps}: ${words}`, thrown, steps)
  } finally {
    release()
    process.off('unhandledRejection', onUnhandled)
  }
}

/** How often a moment is among those to choose from: where there are users, they change often. */
function timesOf([weight, name]: Deed): number {
  if (weight === 0) return 0
  return timesOfName[name] ?? 1
}

/** What it has its worlds for is a habit of all of them. */
const always: ReadonlySet<string> = new Set([
  'write',
  'upload',
  'call in the queue',
  'medium fills up',
  'medium has room again',
  'remove on a full medium',
])

const timesOfName: Readonly<Record<string, number>> = {
  'users change': 9,
  'upload and go on': 14,
  'medium fills up': 6,
  'write and call in the queue': 4,
  'lose a file': 2,
  'server set back with files': 6,
  'operator deletes a file': 2,
}
const roundsOf: Readonly<Record<string, number>> = { falsify: 3, 'users change': 16, 'upload and go on': 6 }

class Run {
  readonly happened: Record<string, number> = {}
  readonly #world: World
  readonly #deeds: readonly Deed[]
  #weight: number
  /** How many of a hundred steps carry on with what is under way. */
  readonly #flow: number

  constructor(world: World) {
    this.#world = world
    // each world has habits of its own: what never happens in one happens all the time in another
    const { dice } = world
    const weighed = (deeds: readonly Deed[], habits: readonly number[]) =>
      deeds.map(
        ([weight, name, act]): Deed => [
          weight * (always.has(name) || world.setting ? 1 : dice.pick(habits)) * this.#often(name),
          name,
          act,
        ],
      )
    this.#deeds = [
      ...weighed(deedsOf(world), [0, 1, 1, 2, 4]),
      ...weighed(misfortunesOf(world), [0, 0, 0, 1, 1, 3]),
    ]
    this.#flow = 55 + world.dice.below(35)
    this.#weight = this.#deeds.reduce((sum, [weight]) => sum + weight, 0)
  }

  /** How many times as often as usual it is done here. */
  #often(name: string): number {
    const { setting } = this.#world
    return setting ? ((setting.often as Record<string, number>)[name] ?? setting.else ?? 1) : 1
  }

  async begin(): Promise<void> {
    const { dice, devices, habits } = this.#world
    await this.#world.furnish()
    for (const device of devices) {
      for (let i = dice.below(4); i >= 0; i--) device.want(habits.query(device.options.openid))
      device.boot()
    }
  }

  async live(steps: number): Promise<void> {
    const { dice, schedule } = this.#world
    for (let i = 0; i < steps; i++) {
      if (await surprise(this.#world)) await this.#after()
      // mostly what is under way goes on
      if (dice.below(100) >= this.#flow) await this.#act()
      else if (!schedule.move() && dice.below(2) === 0) await schedule.passToNext()
      await this.#after()
    }
  }

  /** No faults for a while: everybody comes online, and is in step. */
  async calm(): Promise<void> {
    const { devices, network, exchanges, house, shared } = this.#world
    network.isUp = true
    this.#world.whenDecided.clear()
    if (house) house.engine.failsNext = false
    if (house) house.engine.failsReading = false
    if (house) house.fatalTurn = 0
    if (house) house.hasFatalCall = false
    if (house) house.isDiskFull = false
    exchanges.clearTroubles()
    for (const device of devices) {
      for (const medium of device.media) medium.clearFault()
      device.emptyMedia()
      if (!device.process) device.boot()
    }
    shared?.clearFaults()
    await this.#until(() => this.#allBoot(), 'to boot')
    await this.#until(() => !shared?.isBusy, 'to have one user')
    for (const device of this.#world.devices) device.followAgain()
    this.#freeze()
    await this.#everybodySynced()
  }

  /** What may happen to those who have everything; of a setting, what it is for. */
  #moments(): readonly Deed[] {
    if (this.#world.setting)
      return this.#deeds.filter(([weight, name]) => weight > 0 && this.#often(name) > 3)
    return [
      ...momentsOf(this.#world).flatMap(moment => Array<Deed>(timesOf(moment)).fill(moment)),
      ...this.#deeds.filter(
        ([, name]) =>
          ['members', 'falsify'].includes(name) || (name === 'server set back' && this.#world.maySetBack),
      ),
    ]
  }

  /** Are all up? Who died once more in what was on its way begins again. */
  #allBoot(): boolean {
    const { devices } = this.#world
    for (const device of devices) if (!device.process) device.boot()
    return devices.every(({ live }) => live)
  }

  /** They have everything, and now things happen to them. */
  async surpriseEverybody(): Promise<void> {
    const { dice, schedule, habits, shared, hasFiles } = this.#world
    if (shared?.isFree && shared.isAnonymous && dice.below(3) > 0) signInAndMerge(shared, dice)
    await this.#until(() => !shared?.isBusy, 'to be merged')
    for (const device of this.#world.devices)
      if (dice.below(2) === 0) for (const query of habits.overlapping) device.want(query)
    const moments = this.#moments()
    for (let i = (shared ? 16 : 10) + (hasFiles ? 8 : 0) + dice.below(12); i > 0; i--) {
      await schedule.pass(dice.below(500))
      const [, name, act] = dice.pick(moments)
      await this.#do(name, act)
      await this.#after()
      // what is made wrong has time to be found, and who signs in to be heard
      for (let rounds = roundsOf[name] ?? 1; rounds > 0; rounds--) {
        for (let steps = dice.below(40); steps > 0 && schedule.move(); steps--) await this.#after()
        if (name === 'users change' && !this.#world.shared?.isBusy) break
        if (rounds > 1) await schedule.pass(name === 'falsify' ? 400 : 250)
      }
    }
  }

  /** No more faults: everything ends. */
  async quiet(): Promise<void> {
    const { schedule } = this.#world
    await this.calm()
    await this.#everybodySynced()
    await this.#everythingHealed()
    while (schedule.move()) await this.#after()
    await this.#everybodyComes()
    checkQuiet(this.#world)
    await this.#everybodyRestarts()
    await this.#everybodySynced()
    while (schedule.move()) await this.#after()
    checkQuiet(this.#world, true)
    if (this.#world.hasFiles) await this.#leftoversGo()
  }

  /** Everything that is not a file by now has become old, and is looked for. */
  async #leftoversGo(): Promise<void> {
    const { schedule, ledger } = this.#world
    this.#world.serverClockJumps(360_000_000)
    await schedule.pass(sweepEveryMs)
    await this.#after()
    while (schedule.move()) await this.#after()
    ledger.checkDisk()
    ledger.checkSwept()
  }

  /** Each user of the shared device has it for a while: what they have there is sent, and equal. */
  async #everybodyComes(): Promise<void> {
    const { shared, schedule } = this.#world
    for (const { slot } of shared?.others ?? []) {
      shared!.switchTo(slot)
      await this.#until(() => !shared!.isBusy, 'to have another user')
      if (shared!.active.slot !== slot) throw new Violation('I10', `${slot} does not become active`)
      await this.#everybodySynced()
      // what nobody there follows is noticed, grows old, and goes
      for (let rounds = 3; rounds > 0; rounds--) {
        await schedule.pass(800)
        while (schedule.move()) await this.#after()
      }
      checkDevice(this.#world, shared!.active)
    }
  }

  /** One more connection dies, where that is found out soon. */
  #freeze(): void {
    const { dice, network, heartbeatMs } = this.#world
    if (heartbeatMs > 10_000 || network.sockets.length === 0) return
    if (dice.pick(network.sockets).freeze()) this.#world.count('half-open connection')
  }

  /** What was made wrong is found by comparing, one query after the other; what nobody follows goes. */
  async #everythingHealed(): Promise<void> {
    const { devices, schedule } = this.#world
    const isWrong = () => devices.some(({ falsified }) => falsified.size > 0)
    for (const device of devices) followFalsified(device)
    for (let round = 0; round < (isWrong() ? 40 : 4); round++) {
      await schedule.pass(1_000)
      await this.#after()
      while (schedule.move()) await this.#after()
    }
    for (const { falsified } of devices) falsified.clear()
  }

  async #everybodySynced(): Promise<void> {
    const { devices, shared } = this.#world
    if (shared) await this.#sharedIsIn(shared)
    const waiting = new Set(devices)
    for (const device of devices) {
      const { sync } = device.live!
      sync.goOnline()
      sync.whenSynced().then(() => waiting.delete(device))
    }
    await this.#until(() => waiting.size === 0, 'to be in step')
    const sizeOf = (queue: UploadQueue | undefined) => (queue ? queue.size + queue.calls.length : 0)
    const isEmpty = () => devices.every(({ live }) => sizeOf(live?.queue) === 0)
    await this.#until(isEmpty, 'to have brought its files and made its calls')
  }

  /** The shared device is online, and what was to be given to its active user is. */
  async #sharedIsIn(shared: SharedDevice): Promise<void> {
    const { sync } = shared.active.live!
    // with every connection it is asked for once (IDENTITY-15)
    if (shared.isGiven) sync.goOffline()
    sync.goOnline()
    const isIn = () => {
      const { live } = shared.active
      return shared.isFree && live?.sync.state === 'online' && !shared.isGiven
    }
    await this.#until(isIn, 'to be in')
  }

  /** What storage has is what there is, also when it was written anew. */
  async #everybodyRestarts(): Promise<void> {
    const { devices, dice } = this.#world
    const compacting = new Set(devices.filter(() => dice.below(2) === 0))
    for (const device of compacting) device.live!.store.compact().then(() => compacting.delete(device))
    await this.#until(() => compacting.size === 0, 'to be compacted')
    for (const device of devices) {
      device.crash()
      device.boot()
    }
    await this.#until(() => devices.every(device => device.live), 'to boot again')
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    const { schedule, devices, shared } = this.#world
    const [steps, now] = [schedule.steps, schedule.now]
    await settled()
    while (!isDone()) {
      if (shared?.isFree) shared.signInAgain() // where a session has ended
      if (!schedule.move() && !(await schedule.passToNext()))
        throw new Violation('I10', `nothing moves ${what}`)
      await this.#after()
      if (schedule.steps - steps > 30_000 || schedule.now - now > 900_000)
        throw new Violation(
          'I10',
          `it takes too long ${what}: ${devices.map(({ live, name, errors }) => `${name} ${live?.sync.state} ${live?.store.outbox.size} ${JSON.stringify(live?.sync.arriving.map(({ query, done }) => [query, done]))} ${errors.slice(-2)}`)}`,
        )
    }
  }

  async #after(): Promise<void> {
    this.#world.ledger.act()
    await settled()
    for (const device of this.#world.devices) {
      if (!device.isDying) continue
      this.#world.schedule.note(`${device.name} dies with its disk`)
      device.crash()
    }
    if (this.#world.house?.isDying) this.#world.crashHouse()
    checkStep(this.#world)
  }

  async #act(): Promise<void> {
    let place = this.#world.dice.below(this.#weight)
    for (const [weight, name, act] of this.#deeds) {
      place -= weight
      if (place >= 0) continue
      return this.#do(name, act)
    }
  }

  async #do(name: string, act: Deed[2]): Promise<void> {
    this.happened[name] = (this.happened[name] ?? 0) + 1
    this.#world.schedule.note(name)
    await act()
  }
}
