import type { HttpRequest } from '@nearcloud/client/testing'
import type { DocId, Document, DocumentData, Mutation, Value, Write } from '@nearcloud/protocol'
import { CloudError, mutationFromJson, parseUp, protocolVersion } from '@nearcloud/protocol'
import type { Actor, Judge, LogLine } from '@nearcloud/server'
import type { Batch } from '@nearcloud/server/testing'
import { createDice, type Dice } from '../scenario/dice.ts'
import { collections, Habits } from './actions.ts'
import { type Asked, CallLedger } from './call-ledger.ts'
import { Device, type Process } from './device.ts'
import { Elements, marksOf, meantFor } from './elements.ts'
import { Exchanges } from './exchanges.ts'
import { type Fault, noFaults } from './faults.ts'
import { House } from './house.ts'
import { inspectCommit, inspectDown } from './inspect.ts'
import { type Invariant, Violation } from './invariants.ts'
import { Ledger } from './ledger.ts'
import { roles } from './members.ts'
import { Merging } from './merging.ts'
import { Network, type Socket } from './network.ts'
import { Rights } from './reads.ts'
import { ChangingJudge } from './rules.ts'
import { everything } from './same-documents.ts'
import { Schedule } from './schedule.ts'
import type { Setting } from './settings.ts'
import { SharedDevice } from './shared-device.ts'
import { SimDisk } from './sim-disk.ts'
import { blankPages, pages, type Typed } from './texts.ts'
import { openTokens } from './tokens.ts'
import { settled } from './turns.ts'
import { Users } from './users.ts'
import { wordsOf } from './verdicts.ts'

/** People with devices, a network between, and a server: everything of one run. */
export class World {
  readonly seed: number
  readonly setting: Setting | undefined
  readonly dice: Dice
  readonly schedule: Schedule
  readonly network: Network
  readonly faults = noFaults()
  readonly disk = new SimDisk(fault => this.count(fault))
  readonly judge: ChangingJudge
  readonly rights = new Rights(this.disk)
  /** Of one person each. */
  readonly #own: Device[] = []
  /** Several people use it; undefined: there is none here. */
  readonly shared: SharedDevice | undefined
  /** Apps upload files here. */
  readonly hasFiles: boolean
  /** Devices keep room in reserve here, and their media fill up. */
  readonly hasReserves: boolean
  /** How many bytes of them there may be. */
  readonly quota: { readonly userBytes?: number } | undefined
  readonly exchanges: Exchanges
  readonly ledger = new Ledger(this)
  /** Calls of functions wait for a network here. */
  readonly hasCalls: boolean
  readonly calls = new CallLedger(this)
  /** What became of its users. */
  readonly users = new Users(this)
  readonly habits: Habits
  /** What was sent to be decided, by nonce. */
  readonly mutations = new Map<string, Mutation>()
  /** Which of them carry a word. */
  readonly noncesByWord = new Map<string, Set<string>>()
  /** Words of writes that a storage would not have: nobody ever reads them. */
  readonly refusedWords = new Set<string>()
  /** What broke a promise. */
  readonly violations: Violation[] = []
  /** Rules by the name of what is seen under them. */
  readonly views = new Map<string, Judge>()
  readonly merging = new Merging()
  elements = new Elements(0)
  /** The latest time of an edit that is stored, by client. */
  readonly lastTimes = new Map<string, number>()
  /** How far ahead the server's clock is, and the latest it ever showed. */
  #serverSkewMs = 0
  #latestServerTime = 0
  readonly logged: LogLine[] = []
  /** In this world the server may be set back; devices never are then: each alone is enough. */
  readonly maySetBack: boolean
  /** Was history ever cut? */
  isPruned = false
  house: House | undefined
  readonly #tokens = openTokens(
    () => this.schedule.now + this.#serverSkewMs,
    () => this.count('token expired'),
  )
  #houses = 0
  readonly #slowness: number
  readonly #heldCharacters: number
  /** How often clients ping. */
  readonly heartbeatMs: number
  readonly typed: Typed = { words: new Map(), grown: new Map() }
  /** What is to happen as soon as a write with this word is decided. */
  readonly whenDecided = new Map<string, () => void>()

  constructor(seed: number, setting?: Setting) {
    this.seed = seed
    this.setting = setting
    this.dice = createDice(seed)
    this.maySetBack = setting?.maySetBack ?? this.dice.below(3) === 0
    this.schedule = new Schedule(this.dice)
    // not the dice: worlds without them are what they were
    this.hasFiles = setting ? setting.hasFiles === true : seed % 5 < (this.maySetBack ? 1 : 2)
    if (this.hasFiles) this.quota = this.dice.pick([{}, {}, { userBytes: 2_000 }])
    this.hasCalls = !setting && (seed % 5 === 2 || seed % 10 === 1)
    this.exchanges = new Exchanges({
      ...{ schedule: this.schedule, dice: this.dice },
      server: () => (this.network.isUp ? this.house?.answering : undefined),
      count: fault => this.count(fault),
      inspect: (request, status, body) => this.#inspectAnswer(request, status, body),
    })
    this.#slowness = setting?.slowness ?? this.dice.pick([1, 1, 1, 8])
    this.#heldCharacters = this.dice.pick([0, 0, 400, 100_000])
    this.heartbeatMs = this.dice.pick([2_500, 25_000, 25_000])
    this.habits = new Habits(this.dice, setting?.asks, setting?.fillsUp)
    // what is larger than the reserve finds no room with it either
    const fillsUp = setting ? setting.fillsUp === true : seed % 7 === 3
    this.hasReserves = fillsUp && !this.habits.isLarge && !this.habits.isFat
    this.judge = new ChangingJudge(
      () => this.schedule.now,
      setting?.rules ?? this.dice.pick([0, 1, 2, 3, 3, 3]),
    )
    this.network = new Network({
      schedule: this.schedule,
      dice: this.dice,
      server: () => this.house?.listening,
      inspect: (socket, direction, frame) => this.#inspect(socket, direction, frame),
      count: fault => this.count(fault),
    })
    this.disk.onDecided = () => this.judge.decided()
    this.disk.onCommit = batch => {
      inspectCommit(this, batch)
      this.ledger.inspectCommit(batch)
      this.#tellDecided(batch)
    }
    const mayShare = !this.maySetBack && (setting?.hasShared ?? this.dice.below(6) > 0)
    this.shared = mayShare ? this.#addShared('guest', 40) : undefined
    this.openHouse()
    this.addDevice('ann1', 'ann', 0)
    this.addDevice('ann2', 'ann', -500)
    this.addDevice('bob', 'bob', 10_000_000)
    if (!this.shared) this.addDevice('guest', undefined, 40)
  }

  /** Those that are somebody's now; of a shared one, who is the active user. */
  get devices(): readonly Device[] {
    return this.shared ? [...this.#own, this.shared.active] : this.#own
  }

  count(fault: Fault): void {
    this.faults[fault]++
  }

  violates(invariant: Invariant, words: string): void {
    this.violations.push(new Violation(invariant, words))
  }

  /** Runs a check between two steps: what it throws is a violation. */
  check(run: () => void): void {
    try {
      run()
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown
      this.violations.push(thrown)
    }
  }

  get latestServerTime(): number {
    this.#latestServerTime = Math.max(this.#latestServerTime, this.schedule.now + this.#serverSkewMs)
    return this.#latestServerTime
  }

  serverClockJumps(byMs: number): void {
    this.latestServerTime
    this.#serverSkewMs += byMs
  }

  addDevice(name: string, openid: string | undefined, skewMs: number): Device {
    const at = this.#own.length
    const device = new Device({
      ...{ name, skewMs, ...(openid !== undefined && { openid }) },
      seed: this.seed * 10 + at,
      newest: this.setting?.newest ?? (at === this.seed % 5 ? 4 : protocolVersion),
      ...this.#told(),
    })
    this.#own.push(device)
    return device
  }

  #addShared(name: string, skewMs: number): SharedDevice {
    return new SharedDevice({
      ...{ name, skewMs, seed: this.seed * 10 + 9, dice: this.dice },
      ...this.#told(),
      ticketFor: uid => this.#ticketFor(uid),
      registered: (before, now) => this.users.registered(before, now),
    })
  }

  /** What a device is told of its world, and tells it. */
  #told() {
    const { schedule, network, exchanges, ledger, hasFiles, hasReserves, hasCalls } = this
    return {
      ...{ schedule, network, exchanges, keepsReserve: hasReserves },
      ...(hasFiles && { files: ledger }),
      ...(hasCalls && { calls: this.calls }),
      count: (fault: Fault) => this.count(fault),
      epoch: () => this.disk.memory.epoch,
      isSetBack: () => this.disk.setBacks > 0,
      violates: (invariant: Invariant, words: string) => this.violates(invariant, words),
      check: (run: () => void) => this.check(run),
      made: (nonce: string, by: Device) => this.users.made(nonce, by),
    }
  }

  /** Sessions are short here. Rejects where there is no server: whoever gives tickets asks it. */
  async #ticketFor(uid: string): Promise<string> {
    const { users } = this.house ?? {}
    if (!users) throw new CloudError('OFFLINE', { errMsg: 'nobody gives tickets' })
    return users.createTicket(uid, { expire: this.dice.pick([6_000, 6_000, 6_000, 30_000, 3_600_000]) })
  }

  openHouse(): void {
    const { schedule, disk, judge } = this
    const house = new House({
      name: `house${++this.#houses}`,
      schedule,
      disk,
      dice: this.dice,
      judge,
      slowness: this.#slowness,
      heldCharacters: this.#heldCharacters,
      heartbeatMs: this.heartbeatMs,
      skewMs: () => this.#serverSkewMs,
      tokens: this.#tokens,
      hasUsers: this.shared !== undefined,
      seed: this.seed * 100 + this.#houses,
      log: line => this.#log(line),
      invoke: (name, data, actor) => this.#invoke(house, name, data, actor),
      quota: this.quota,
      fileRefused: (sha256, code) => this.ledger.refused(sha256, code),
      ...(this.hasCalls && { run: (asked: Asked) => this.calls.run(house, asked) }),
    })
    this.house = house
    schedule.note(`${house.name} opens`)
    house.open().catch(thrown => this.violates('I9', `the server did not open: ${thrown}`))
  }

  /** Documents that were there before anybody came, of two owners. */
  async furnish(): Promise<void> {
    const large = this.habits.isLarge ? { large: 'x'.repeat(132_000) } : {}
    const writes = collections.flatMap(collection =>
      ['d2', 'd3', 'd4', 'd5'].map((id, at): Write => {
        const _openid = at % 2 === 0 ? 'ann' : 'bob'
        const data = {
          _openid,
          title: 'old',
          n: 0,
          log: [],
          tags: [],
          pub: at < 3,
          rank: 2 * at + 1,
          room: at < 2 ? 'r1' : 'r2',
          items: ['e1', 'e2', 'e3'].map(id => ({ id, x: meantFor(id, 'old') })),
          marks: marksOf('old'),
          ...large,
        }
        return { op: 'add', collection, id, data }
      }),
    )
    const room = (id: string, ...members: string[]): Write => ({
      op: 'add',
      collection: 'rooms',
      id,
      data: { members },
    })
    writes.push(room('r1', 'ann', 'guest1'), room('r2', 'bob'))
    for (const [at, id] of roles.entries()) {
      const data = { user: ['ann', 'bob', 'guest1'][at % 3]!, role: at === 0 ? 'editor' : 'reader' }
      writes.push({ op: 'add', collection: 'roles', id, data })
    }
    writes.push(...blankPages())
    await settled()
    let isThere = false
    this.house!.environment.commit({ actor: { kind: 'admin' }, writes }).then(() => {
      isThere = true
    })
    while (!isThere) {
      await settled()
      this.schedule.move()
    }
  }

  /** The server's process dies, and another one begins: after the disk was set back, perhaps. */
  crashHouse(meanwhile: () => void = () => undefined): void {
    this.#endHouse()
    if (this.hasFiles && this.dice.below(3) > 0 && this.disk.folder.losePower(this.dice))
      this.count('server loses unsynced bytes or names of files')
    this.check(() => this.ledger.checkDisk())
    meanwhile()
    this.openHouse()
  }

  /** The server goes on from a copy of an earlier day. */
  async setHouseBack(batches: number): Promise<void> {
    this.#endHouse()
    await this.disk.setBack(batches)
    this.calls.setBack(await this.disk.callsBegun())
    if (this.hasFiles) this.ledger.setBack()
    this.merging.forget()
    this.lastTimes.clear()
    this.elements = new Elements(this.disk.changes.at(-1)?.version ?? 0, this.elements)
    this.openHouse()
  }

  #endHouse(): void {
    const { house, schedule, network } = this
    if (!house) return
    const { committing } = house.engine
    this.count('server killed')
    if (this.calls.isBusy(house)) this.count('server killed in a call')
    if (house.isBusyWithFiles) this.count('server killed with a file on its way')
    if (committing === 'not durable') this.count('server killed before a commit is durable')
    if (committing === 'durable') this.count('server killed between durable and told')
    schedule.note(`${house.name} dies`)
    this.house = undefined
    schedule.drop(house)
    network.died(house)
    this.exchanges.died(house)
  }

  /** Devices that are about to hear a message of this type. */
  awaiting(type: 'welcome' | 'snapshot'): readonly Device[] {
    const prefix = `{"type":"${type}"`
    const about = new Set(
      this.network.sockets.filter(({ down }) => down.carries(prefix)).map(each => each.device),
    )
    return this.devices.filter(({ live }) => live && about.has(live))
  }

  /** All documents a process sees. */
  known(process: Process): (collection: string) => readonly Document[] {
    return collection => everything(process, collection)
  }

  /** The ids the server has. */
  stored(): { collection: string; id: DocId }[] {
    const found: { collection: string; id: DocId }[] = []
    for (const key of this.disk.editions.keys()) {
      const [collection, name] = key.split('/') as [string, string]
      if (collection !== pages && !(collections as readonly string[]).includes(collection)) continue
      found.push({ collection, id: name.startsWith('#') ? Number(name.slice(1)) : name.slice(1) })
    }
    return found
  }

  /** What the server says of a call, and against a file. */
  #inspectAnswer({ method, url, headers }: HttpRequest, status: number, body: Uint8Array): void {
    if (method === 'POST') this.calls.answered(headers?.['idempotency-key'], status, body)
    if (method !== 'PUT' || (status !== 200 && status < 400) || status === 409) return
    const [ticket] = url.slice(url.lastIndexOf('/') + 1).split('.')
    const [, , , sha256] = JSON.parse(Buffer.from(ticket!, 'base64url').toString()) as string[]
    if (status === 200) this.ledger.answered(sha256!)
    else this.ledger.refused(sha256!, JSON.parse(Buffer.from(body).toString()).code)
  }

  #tellDecided({ outcomes }: Batch): void {
    if (this.whenDecided.size === 0) return
    for (const { nonce } of outcomes)
      for (const word of wordsOf(this.mutations.get(nonce)!)) {
        this.whenDecided.get(word)?.()
        this.whenDecided.delete(word)
      }
  }

  #inspect(socket: Socket, direction: 'up' | 'down', frame: string): void {
    if (direction === 'down') {
      const { session } = socket
      if (session) inspectDown(this, socket, session, frame)
      return
    }
    const message = parseUp(frame)
    if (message.type === 'files' && message.ask.verb === 'upload')
      this.ledger.asked(socket.device as Process, message.ask.sha256)
    if (message.type === 'have') for (const [id] of message.documents ?? []) socket.named.add(id)
    if (message.type !== 'push') return
    for (const json of message.mutations) {
      const known = this.mutations.get(json.nonce)
      const mutation = mutationFromJson(json)
      this.users.inspectPush(json.nonce, socket.device)
      if (this.hasFiles) this.ledger.inspectPush(socket.device as Process, mutation, known !== undefined)
      if (known) this.count('mutation sent again')
      if (known && JSON.stringify(known.writes) !== JSON.stringify(mutation.writes))
        this.violates('I8', `one nonce, two mutations: ${json.nonce}`)
      this.mutations.set(json.nonce, mutation)
      if (known) continue
      for (const word of wordsOf(mutation))
        this.noncesByWord.set(word, (this.noncesByWord.get(word) ?? new Set()).add(json.nonce))
    }
  }

  /** `check`: a client asks after writes; they have to be decided by now. */
  async #invoke(house: House, name: string, data: Value, actor: Actor): Promise<Value> {
    const { nonces, id } = data as DocumentData & { nonces: readonly string[]; id: DocId }
    for (const nonce of nonces)
      if (!this.disk.byNonce.has(nonce) && !this.disk.lost.has(nonce) && !this.ledger.undone.has(nonce))
        this.violates('I3', `a call overtook the write ${nonce}`)
    const openid = actor.kind === 'user' ? actor.openid : ''
    await house.environment.commit({
      actor: { kind: 'function', name, openid, depth: 0 },
      writes: [{ op: 'update', collection: 'open', id, changes: [['called', 'inc', 1]] }],
    })
    return null
  }

  #log(line: LogLine): void {
    this.logged.push(line)
    if (line.event === 'files.damaged') this.ledger.noted(line.message)
    if (this.schedule.isLoud) console.log(`      log ${line.event}: ${line.message}`)
    if (line.event === 'commit.failed') this.violates('I9', line.message)
    const isOurs = ['session.failed', 'commit.listener'].includes(line.event)
    if (isOurs && !line.message.includes('injected'))
      this.violates('I9', `${line.event}: ${line.message} ${line.facts?.stack ?? ''}`)
  }
}
