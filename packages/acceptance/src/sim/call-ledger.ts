import type { CalledEvent, CallFunctionResult } from '@nearcloud/client/testing'
import { CloudError, type DocId, toCloudError, type Value } from '@nearcloud/protocol'
import type { Actor } from '@nearcloud/server'
import type { Device, Process } from './device.ts'
import type { House } from './house.ts'
import { Violation } from './invariants.ts'
import { documentKey } from './sim-disk.ts'
import { isDecidedGrown } from './texts.ts'
import type { World } from './world.ts'

/** What a function is told. */
export interface CallData {
  readonly word: string
  /** `fails`: when it has written; `busy`: the first time it is refused before it runs. */
  readonly kind: 'plain' | 'fails' | 'busy'
  /** Writes made before it was asked for, which the server does not have. */
  readonly nonces: readonly string[]
  /** What it counts in. */
  readonly id: DocId
}

/** One call of a function that an app wants to be made. */
export interface Call {
  readonly device: Device
  readonly key: string
  readonly name: 'f' | 'nobody'
  readonly data: CallData
  /** What the server answered for good: in the end there is one. */
  readonly outcomes: Set<string>
  /** What a run of it came to. */
  readonly came: Set<string>
  wasAnswered: boolean
  wasBusy: boolean
}

/** A call that has begun in the history that the server goes on from. */
interface Run {
  readonly house: House | undefined
  isOver: boolean
}

/** Who called what, and what became of it: what has to hold of calls that wait for a network. */
export class CallLedger {
  readonly #world: World
  readonly #byKey = new Map<string, Call>()
  /** By user and key. */
  #runs = new Map<string, Run>()
  /** Those that waited when their user was removed from the device. */
  readonly #gone = new Set<Call>()

  constructor(world: World) {
    this.#world = world
  }

  /** An app asks for something that is to be done once. */
  make(device: Device, data: CallData, name: Call['name']): Call {
    const key = `call-${data.word.slice(0, -1).padStart(6, '0')}`
    const call: Call = {
      ...{ device, key, name, data, wasAnswered: false, wasBusy: false },
      ...{ outcomes: new Set<string>(), came: new Set<string>() },
    }
    this.#byKey.set(key, call)
    return call
  }

  of(key: string | undefined): Call | undefined {
    return this.#byKey.get(key ?? '')
  }

  /** Is a function at work for one of them? */
  isBusy(house: House | undefined): boolean {
    return [...this.#runs.values()].some(run => run.house === house && !run.isOver)
  }

  /** The function itself. */
  async run(house: House, { name, data, actor, key }: Asked): Promise<Value> {
    const call = this.of(key)
    if (!call || JSON.stringify(call.data) !== JSON.stringify(data) || call.name !== name) {
      this.#world.violates('CALLS', `${key} is made, and nobody asked for it so`)
      return null
    }
    if (name === 'nobody')
      throw new CloudError('FUNCTION_NOT_FOUND', { errMsg: 'there is no function of this name' })
    this.#world.check(() => this.#mayBegin(call, actor))
    const place = placeOf(actor, key!)
    if (call.data.kind === 'busy' && !call.wasBusy) {
      call.wasBusy = true
      this.#world.count('call refused before it ran')
      throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'too many calls' })
    }
    if (this.#runs.has(place)) this.#world.violates('CALLS', `${key} is made twice`)
    const run: Run = { house, isOver: false }
    this.#runs.set(place, run)
    try {
      return await this.#work(house, call, actor)
    } catch (thrown) {
      call.came.add(wordsOfError(toCloudError(thrown)))
      throw thrown
    } finally {
      run.isOver = true
    }
  }

  async #work(house: House, { name, data }: Call, actor: Actor): Promise<Value> {
    const { id, word, kind } = data
    await house.turnOfFunction()
    await house.environment.commit({
      actor: { kind: 'function', name, openid: openidOf(actor), depth: 0 },
      writes: [
        { op: 'add', collection: runs, id: word, data: {} },
        { op: 'update', collection: 'open', id, changes: [['called', 'inc', 1]] },
      ],
    })
    await house.turnOfFunction()
    if (kind === 'fails') throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: `${word} fails` })
    return word
  }

  #mayBegin(call: Call, actor: Actor): void {
    const { device, key, data } = call
    const { disk, ledger } = this.#world
    if (!device.openids.has(openidOf(actor)))
      throw new Violation('USERS', `${key} of ${device.name} is made as ${openidOf(actor)}`)
    const { live } = device
    for (const nonce of data.nonces) {
      const isDecided = [disk.byNonce, disk.lost, ledger.undone].some(known => known.has(nonce))
      if (isDecided || isDecidedGrown(this.#world, nonce)) continue
      // what storage would not have, or has lost, is awaited by nobody
      const isWaiting = live?.store.outbox.find(mutation => mutation.nonce === nonce) !== undefined
      if (isWaiting || (device.acknowledged.has(nonce) && !device.wasRestored))
        throw new Violation('I3', `${device.name}: the call ${key} overtook the write ${nonce}`)
    }
    if (device.wasRestored) return
    for (const earlier of device.calling) {
      if (earlier === key) return
      if (device.calling.has(key))
        throw new Violation('CALLS', `${device.name}: ${key} is made before ${earlier}, which waits`)
    }
  }

  /** The server says this, whether it is heard or not. */
  answered(key: string | undefined, status: number, body: Uint8Array): void {
    const call = this.of(key)
    if (!call) return
    const said = JSON.parse(Buffer.from(body).toString()) as {
      readonly result?: Value
      readonly code?: string
      readonly errMsg?: string
    }
    // who sent half of it hears nothing
    if (said.errMsg?.includes('or not whole')) return
    if (call.wasAnswered) this.#world.count('call asked again')
    call.wasAnswered = true
    if (status === 200) {
      call.outcomes.add(`result ${said.result}`)
      this.#world.check(() => this.#checkResult(call, said.result))
    } else if (!passing.has(status)) {
      const outcome = `${said.code} ${said.errMsg}`
      call.outcomes.add(outcome)
      this.#world.check(() => this.#checkError(call, outcome))
    }
  }

  #checkResult({ key, data }: Call, result: Value | undefined): void {
    if (result !== data.word || data.kind === 'fails')
      throw new Violation('CALLS', `${key} is answered with ${result}, which is not what came of it`)
    if (!this.#hasEffect(data))
      throw new Violation('CALLS', `${key} is answered, and what it did is not there`)
  }

  #checkError(call: Call, outcome: string): void {
    const { key, name } = call
    if (call.came.has(outcome)) return
    if (name === 'nobody' && outcome.startsWith('FUNCTION_NOT_FOUND')) return
    const house = [...this.#runs].find(([place]) => place.endsWith(`/${key}`))?.[1].house
    const isUnsure = outcome.includes('the server ended while it ran') && house !== this.#world.house
    if (!isUnsure) throw new Violation('CALLS', `${key} is answered with ${outcome}, which never came of it`)
  }

  #hasEffect({ word }: CallData): boolean {
    return this.#world.disk.at(documentKey(runs, word), Number.POSITIVE_INFINITY)?.document != null
  }

  /** Who asked is answered. */
  resolved(process: Process, { key }: Call, { result, pending }: CallFunctionResult): void {
    if (!pending) this.#told(process, key, `result ${result}`)
  }

  rejected(process: Process, { key }: Call, error: CloudError): void {
    this.#told(process, key, wordsOfError(error))
  }

  /** The event. */
  called(process: Process, { key, result, error }: CalledEvent): void {
    this.#told(process, key, error ? wordsOfError(error) : `result ${result}`)
  }

  #told(process: Process, key: string, outcome: string): void {
    process.called.add(key)
    process.uncalled.delete(key)
    if (!this.of(key)?.outcomes.has(outcome))
      this.#world.violates(
        'CALLS',
        `${process.name} is told of ${key}: ${outcome}, which the server never said`,
      )
  }

  /** Between two steps: what waited is there, or was decided. */
  checkQueue(device: Device, process: Process): void {
    const now = new Set(process.queue!.calls.map(({ key }) => key))
    for (const key of device.calling) {
      if (now.has(key)) continue
      if (this.of(key)!.outcomes.size === 0)
        throw new Violation('I1', `${process.name}: the call ${key} waits no more, and was never made`)
      if (process.calling.has(key) && !process.called.has(key)) process.uncalled.add(key)
    }
    for (const key of now)
      if (this.of(key)?.device !== device)
        throw new Violation('USERS', `${process.name} has the call ${key}, which is not its user's`)
    device.calling = now
    process.calling = now
  }

  /** It is about to be sent. */
  sent(key: string | undefined): void {
    const call = this.of(key)
    if (call && this.#gone.has(call))
      this.#world.violates('USERS', `${key} of ${call.device.name} is sent, who was removed`)
  }

  /** This user leaves the device for good: what was undecided. */
  left(device: Device): readonly string[] {
    const waiting = [...device.calling].map(key => this.of(key)!)
    for (const call of waiting) this.#gone.add(call)
    device.calling = new Set()
    return waiting.filter(({ outcomes }) => outcomes.size === 0).map(({ key }) => `the call ${key}`)
  }

  /** The server goes on from an earlier state, in which these had begun. */
  setBack(began: readonly string[]): void {
    const runs = this.#runs
    this.#runs = new Map(began.map(place => [place, runs.get(place) ?? { house: undefined, isOver: true }]))
  }

  /** At rest: nothing waits, and everybody was told. */
  checkQuiet(): void {
    for (const { live } of this.#world.devices) {
      if (!live?.calls) continue
      const [waiting] = live.queue!.calls
      if (waiting) throw new Violation('I10', `${live.name}: the call ${waiting.key} still waits`)
      for (const key of live.uncalled)
        throw new Violation('CALLS', `${live.name}: nobody is told what became of ${key}`)
    }
  }
}

export interface Asked {
  readonly name: string
  readonly data: Value
  readonly actor: Actor
  readonly key?: string
}

/** What functions leave, one document for each run. */
const runs = 'runs'

/** None of it is about the call. */
const passing = new Set([401, 408, 413, 429, 502, 503])

function placeOf(actor: Actor, key: string): string {
  return `${openidOf(actor)}/${key}`
}

function openidOf(actor: Actor): string {
  return actor.kind === 'user' ? actor.openid : ''
}

function wordsOfError({ code, errMsg }: CloudError): string {
  return `${code} ${errMsg.replace(/^cloud\.callFunction:fail Error: /, '')}`
}
