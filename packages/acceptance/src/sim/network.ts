import { oldestProtocolVersion, protocolVersion, withoutNumber } from '@nearcloud/protocol'
import type { Session, Wire } from '@nearcloud/server/testing'
import type { Connection, Transport, TransportListener } from '@nearcloud/sync'
import type { Dice } from '../scenario/dice.ts'
import type { Fault } from './faults.ts'
import type { Lane, Owner, Schedule } from './schedule.ts'

/** Who answers: a server process that runs; undefined while there is none. */
export interface Listening {
  readonly owner: Owner
  begin(wire: Wire): Session | undefined
}

export interface NetworkOptions {
  readonly schedule: Schedule
  readonly dice: Dice
  readonly server: () => Listening | undefined
  /** Sees every frame when it is sent. */
  readonly inspect: (socket: Socket, direction: 'up' | 'down', frame: string) => void
  readonly count: (fault: Fault) => void
}

/**
 * Sockets that break. Each direction delivers in its own time; a cut may lose the end of what is on its way, or let it
 * arrive long after, while the client talks over a newer socket already.
 */
export class Network {
  readonly #options: NetworkOptions
  readonly #open = new Set<Socket>()
  #count = 0
  isUp = true

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  get sockets(): readonly Socket[] {
    return [...this.#open]
  }

  /** `newest`: of the protocol, as far as what stands between knows it. */
  transportOf(device: Owner, newest = protocolVersion): Transport {
    return {
      connect: listener => {
        const { schedule, dice } = this.#options
        const name = `${device.name}~${++this.#count}`
        const socket = new Socket({
          name,
          device,
          listener,
          dice,
          newest,
          up: schedule.lane(`${name} up`),
          down: schedule.lane(`${name} down`),
          accept: wire => this.#accept(socket, wire),
          count: this.#options.count,
          inspect: (direction, frame) => this.#options.inspect(socket, direction, frame),
          over: () => {
            this.#open.delete(socket)
            schedule.close(socket.up)
            schedule.close(socket.down)
          },
        })
        this.#open.add(socket)
        return socket
      },
    }
  }

  /** The process is gone, at either end. */
  died(owner: Owner): void {
    for (const socket of this.sockets) socket.endDied(owner)
  }

  #accept(socket: Socket, wire: Wire): Session | undefined {
    const server = this.isUp ? this.#options.server() : undefined
    if (!server) {
      this.#options.count('connection refused')
      return undefined
    }
    socket.server = server.owner
    return server.begin(wire)
  }
}

interface SocketOptions {
  readonly name: string
  readonly device: Owner
  readonly listener: TransportListener
  readonly dice: Dice
  readonly newest: number
  readonly up: Lane
  readonly down: Lane
  accept(wire: Wire): Session | undefined
  inspect(direction: 'up' | 'down', frame: string): void
  count(fault: Fault): void
  over(): void
}

/** What may happen to one frame. */
export type Mistreatment = Extract<Fault, 'frame comes twice' | 'frame lost' | 'frame overtaken'>

interface Plan {
  readonly mistreatment: Mistreatment
  /** Is it this frame that is meant? */
  fits(frame: string): boolean
}

/** One connection: the client's end of it, and a wire for the server's. */
export class Socket implements Connection {
  readonly name: string
  readonly device: Owner
  readonly up: Lane
  readonly down: Lane
  server: Owner | undefined
  /** Ids the client has named in this conversation. */
  readonly named = new Set<string | number>()
  session: Session | undefined
  readonly #options: SocketOptions
  /** What goes down piles up. */
  #isThin: boolean
  #room: number
  #isPiledUp = false
  #lastPush: string | undefined
  readonly #planned: { up?: Plan | undefined; down?: Plan | undefined } = {}
  /** Comes after the next one. */
  readonly #late: { up?: (() => void) | undefined; down?: (() => void) | undefined } = {}
  #isCut = false
  /** Nothing arrives any more, and nobody was told. */
  #isFrozen = false
  #hasClient = true
  #hasServer = true

  constructor(options: SocketOptions) {
    this.#options = options
    this.name = options.name
    this.device = options.device
    this.up = options.up
    this.down = options.down
    this.#isThin = options.dice.below(5) === 0
    this.#room = options.dice.below(2)
    if (this.#isThin) this.down.slowness = 3
    this.up.push('connect', () => this.#connect())
  }

  /** Towards the server there is always room. */
  readonly bufferedBytes = 0

  send(text: string): void {
    if (this.#isCut || !this.#hasClient) return
    const frame = withoutNumber(text)
    this.#options.inspect('up', frame)
    if (this.#isTooNew(frame)) {
      this.#refuse()
      return
    }
    if (frame.startsWith('{"type":"push"')) this.#lastPush = text
    if (this.#isFrozen) return
    this.#mistreat('up', frame, () =>
      this.up.push(frame, () => {
        if (this.#hasServer) this.session?.received(text)
      }),
    )
  }

  #isTooNew(frame: string): boolean {
    const [, protocol] = /^{"type":"hello","protocol":(\d+)/.exec(frame) ?? []
    return Number(protocol) > this.#options.newest
  }

  /** As a server that is older: it names what it knows. */
  #refuse(): void {
    this.#options.count('older protocol spoken')
    const { newest } = this.#options
    const details = { oldest: oldestProtocolVersion, newest }
    const error = { code: 'UPGRADE_NEEDED', errMsg: 'update the server', details }
    this.down.push('(refused)', () => {
      if (this.#hasClient) this.#options.listener.received(JSON.stringify({ type: 'bye', error }))
    })
    this.cut({ up: this.up.length, down: this.down.length })
  }

  close(): void {
    if (this.#isFrozen) this.down.push('(closed)', () => this.#endClient())
    else this.cut({ up: this.up.length, down: this.#options.dice.below(this.down.length + 1) })
  }

  /** Becomes half-open: from now on nothing arrives at either end, and each finds out by itself. */
  freeze(): boolean {
    if (this.#isCut || this.#isFrozen || !this.session) return false
    this.#isFrozen = true
    this.up.isPaused = false
    this.up.truncate(0)
    this.down.truncate(0)
    return true
  }

  /** What goes down takes long from now on, and the server has to wait with more. */
  clog(): void {
    this.#isThin = true
    this.#room = 0
    this.down.slowness = 20
  }

  /** What pushes a client's mutations arrives once more, as from a relay that had no answer. */
  repeat(): boolean {
    const frame = this.#lastPush
    if (this.#isCut || this.#isFrozen || !this.session || frame === undefined) return false
    this.up.push(withoutNumber(frame), () => {
      if (this.#hasServer) this.session?.received(frame)
    })
    return true
  }

  /** Something may still happen to what it carries. */
  get isWhole(): boolean {
    return !this.#isCut && !this.#isFrozen && this.session !== undefined
  }

  /** The next frame that is sent there, and is meant, is not carried as it should be. */
  plan(
    direction: 'up' | 'down',
    mistreatment: Mistreatment,
    meant: 'any' | 'first result' | 'end of one',
  ): void {
    // without numbers only what carries frames says that none is lost or late; first results may come twice
    const isBorne = mistreatment === 'frame comes twice' && meant !== 'any'
    if (this.#options.newest < numbered && !isBorne) return
    const isFirst = (frame: string) => frame.startsWith('{"type":"snapshot"')
    const fits = {
      any: () => true,
      'first result': isFirst,
      'end of one': (frame: string) => isFirst(frame) && frame.includes('"last":true'),
    }[meant]
    if (this.isWhole) this.#planned[direction] = { mistreatment, fits }
  }

  /** `carry` puts a frame on its way. */
  #mistreat(direction: 'up' | 'down', frame: string, carry: () => void): void {
    const late = this.#late[direction]
    this.#late[direction] = undefined
    if (late) {
      carry()
      late()
      return
    }
    const isMeant = this.#planned[direction]?.fits(frame)
    const planned = isMeant ? this.#planned[direction]?.mistreatment : undefined
    if (isMeant) this.#planned[direction] = undefined
    if (planned) this.#options.count(planned)
    if (planned === 'frame overtaken') this.#late[direction] = carry
    if (planned !== 'frame lost' && planned !== 'frame overtaken') carry()
    if (planned === 'frame comes twice') carry()
  }

  /** Breaks: only the first so many frames on their way still arrive. */
  cut(keep: { up: number; down: number }): void {
    if (this.#isCut || this.#isFrozen) return
    this.#isCut = true
    if (keep.up < this.up.length || keep.down < this.down.length) this.#options.count('frames lost in a cut')
    this.up.truncate(keep.up)
    this.down.truncate(keep.down)
    this.up.isPaused = false
    this.up.push('(cut)', () => this.#endServer())
    this.down.push('(cut)', () => this.#endClient())
  }

  /** The process at one end died. */
  endDied(owner: Owner): void {
    const { dice } = this.#options
    if (owner === this.device && this.#isFrozen) {
      this.#hasClient = false
      this.down.truncate(0)
    } else if (owner === this.device) {
      this.#hasClient = false
      this.cut({ up: dice.below(this.up.length + 1), down: 0 })
      this.down.truncate(0)
    } else if (owner === this.server && this.#isFrozen) {
      this.session = undefined
      this.#hasServer = false
    } else if (owner === this.server) {
      this.session = undefined
      this.cut({ up: 0, down: dice.below(this.down.length + 1) })
    } else return
    this.#mayBeOver()
  }

  #connect(): void {
    const isFull = () => {
      const wasPiledUp = this.#isPiledUp
      this.#isPiledUp = this.#isThin && this.down.length > this.#room && !this.#isFrozen
      if (this.#isPiledUp && !wasPiledUp) this.#options.count('slow reader')
      return this.#isPiledUp
    }
    const wire: Wire = {
      send: text => {
        if (this.#isCut) return
        const frame = withoutNumber(text)
        this.#options.inspect('down', frame)
        if (this.#isFrozen) return
        this.#mistreat('down', frame, () =>
          this.down.push(frame, () => {
            if (this.#hasClient) this.#options.listener.received(text)
          }),
        )
      },
      close: () => {
        if (this.#isFrozen) this.up.push('(closed)', () => this.#endServer())
        else this.cut({ up: 0, down: this.down.length })
      },
      get bufferedBytes() {
        return isFull() ? 2_000_000 : 0
      },
      pause: () => {
        this.up.isPaused = !this.#isFrozen
      },
      resume: () => {
        this.up.isPaused = false
      },
    }
    this.session = this.#options.accept(wire)
    if (!this.session) {
      this.cut({ up: 0, down: 0 })
      return
    }
    this.down.push('(opened)', () => {
      if (this.#hasClient) this.#options.listener.opened()
    })
  }

  #endServer(): void {
    this.#hasServer = false
    this.session?.closed()
    this.#mayBeOver()
  }

  #endClient(): void {
    if (this.#hasClient) {
      this.#hasClient = false
      this.#options.listener.closed({ code: 1006, words: 'the connection broke' })
    }
    this.#mayBeOver()
  }

  #mayBeOver(): void {
    if (this.#isFrozen && (this.#hasClient || this.#hasServer)) return
    if (this.up.length === 0 && this.down.length === 0) this.#options.over()
  }
}

/** The first protocol with numbers of frames. */
const numbered = 5
