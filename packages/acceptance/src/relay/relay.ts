import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createDice } from '../scenario/dice.ts'
import { type RelayFaultName, type RelayFaults, relayFaultNames } from './faults.ts'
import { OneWay } from './one-way.ts'
import { headEnd } from './pieces.ts'

export interface RelayOptions {
  /** The server behind it: `http://127.0.0.1:4321`. */
  readonly to: string
  /** What the dice are thrown from. Default 1. */
  readonly seed?: number
  readonly faults?: RelayFaults
  /** Where to listen. Default: any free port. */
  readonly port?: number
}

/** A network between clients and a server that misbehaves as it is told: TCP, and the WebSocket messages in it. */
export interface Relay {
  /** Where clients find it: `http://127.0.0.1:4321`. */
  readonly url: string
  readonly port: number
  /** How often each fault hit something. */
  readonly counts: Readonly<Record<RelayFaultName, number>>
  /** Connections that are open now, and the most there were at once. */
  readonly open: number
  readonly mostOpen: number
  /** Connections made so far. */
  readonly made: number
  /** Bytes that went on, to the server and to clients. */
  readonly bytes: { readonly up: number; readonly down: number }
  /** From now on these faults, in the place of those before; `{}` for none. For open connections, too. */
  set(faults: RelayFaults): void
  /** Whoever connects from now on is passed on to another server (one that was restarted). */
  retarget(url: string): void
  /** Breaks every connection. */
  cut(): void
  /** Nothing passes any more over the open connections, and neither end is told: both are half-open. */
  freeze(): void
  stop(): Promise<void>
}

/** Opens a relay on this machine. Without faults it only passes things on. */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const { seed = 1 } = options
  let faults = options.faults ?? {}
  let target = new URL(options.to)
  let made = 0
  let mostOpen = 0
  const bytes = { up: 0, down: 0 }
  const counts = Object.fromEntries(relayFaultNames.map(name => [name, 0])) as Record<RelayFaultName, number>
  const count = (name: RelayFaultName) => void counts[name]++
  const open = new Set<{ cut(): void; freeze(): void }>()

  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    client.on('error', () => undefined)
    if (faults.refuse) {
      count('refuse')
      client.resetAndDestroy()
    } else if (faults.portal !== undefined) {
      client.on('data', () => {
        count('portal')
        client.end(portalAnswer(faults.portal ?? ''))
      })
    } else join(client)
  })

  function join(client: Socket): void {
    const number = ++made
    const host = connect({
      host: target.hostname,
      port: Number(target.port),
      allowHalfOpen: true,
      noDelay: true,
    })
    const cut = () => {
      client.resetAndDestroy()
      host.resetAndDestroy()
    }
    const shared = { faults: () => faults, count, cut, replay }
    const dice = (way: number) => createDice(seed * 1_000_003 + number * 2 + way)
    const passed = (way: 'up' | 'down') => (size: number) => {
      bytes[way] += size
    }
    const up = new OneWay({
      ...shared,
      direction: 'up',
      from: client,
      to: host,
      dice: dice(0),
      passed: passed('up'),
    })
    const down = new OneWay({
      ...shared,
      direction: 'down',
      from: host,
      to: client,
      dice: dice(1),
      passed: passed('down'),
      switches(answer) {
        if (!answer.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) return undefined
        up.becomeWebSocket()
        return headEnd(answer)
      },
    })
    const connection = {
      cut,
      freeze() {
        count('freeze')
        up.freeze()
        down.freeze()
        frozen.add(connection)
      },
    }
    open.add(connection)
    mostOpen = Math.max(mostOpen, open.size)
    const closed = (other: Socket) => {
      if (frozen.has(connection) && !other.destroyed) return
      up.stop()
      down.stop()
      other.destroy()
      open.delete(connection)
    }
    host.on('error', () => undefined)
    client.once('close', () => closed(host))
    host.once('close', () => closed(client))
  }

  /** The answer is nobody's. */
  function replay(request: Buffer): void {
    const host = connect({ host: target.hostname, port: Number(target.port) })
    const connection = { cut: () => host.destroy(), freeze: () => undefined }
    open.add(connection)
    host.on('error', () => undefined)
    host.on('data', () => host.destroy())
    host.once('close', () => open.delete(connection))
    host.setTimeout(replayLimitMs, () => host.destroy())
    host.write(request)
  }

  const frozen = new WeakSet<object>()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    counts,
    bytes,
    get open() {
      return open.size
    },
    get mostOpen() {
      return mostOpen
    },
    get made() {
      return made
    },
    set(next) {
      faults = next
    },
    retarget(url) {
      target = new URL(url)
    },
    cut() {
      for (const connection of [...open]) connection.cut()
    },
    freeze() {
      for (const connection of [...open]) connection.freeze()
    },
    async stop() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const connection of [...open]) connection.cut()
      await closed
    },
  }
}

function portalAnswer(page: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${Buffer.byteLength(page)}\r\nconnection: close\r\n\r\n${page}`
}

const replayLimitMs = 30_000
