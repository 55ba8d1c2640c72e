import { connect, type Socket } from 'node:net'
import { createDice } from '../scenario/dice.ts'
import { hostileBytes } from './frames.ts'
import { rssOf } from './memory.ts'

export interface FuzzOptions {
  /** Of the server, which is a process of its own. */
  readonly url: string
  readonly pid: number
  /** How many frames are sent. */
  readonly count: number
  readonly seed: number
  /** Asks a healthy client for a sign of life; rejects when it got none. */
  readonly probe: () => Promise<void>
}

export interface FuzzReport {
  readonly frames: number
  readonly sockets: number
  readonly rssGrowthMb: number
  readonly probes: number
  readonly seconds: number
}

/**
 * Sends hostile frames over socket after socket; the server ends most of them at the first. Rejects when the server's process
 * is gone, or when a healthy client is not served meanwhile.
 */
export async function fuzzSockets({ url, pid, count, seed, probe }: FuzzOptions): Promise<FuzzReport> {
  const dice = createDice(seed)
  const began = performance.now()
  let [frames, sockets, probes] = [0, 0, 0]
  const send = async () => {
    while (frames < count) {
      sockets++
      const socket = await openSocket(url)
      for (let i = 0; i < framesPerSocket && frames < count && !socket.destroyed; i++) {
        frames++
        if (!socket.write(hostileBytes(dice))) await drained(socket)
        if (i % 8 === 7) await new Promise(resolve => setImmediate(resolve))
      }
      // half of them are left without a goodbye, while the server may be in the middle of an answer
      if (dice.below(2) === 0) socket.resetAndDestroy()
      else socket.end()
      await closed(socket)
    }
  }
  await send1000()
  const before = rssOf(pid)
  const probing = (async () => {
    while (frames < count) {
      await probe()
      probes++
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  })()
  await Promise.all([probing, ...Array.from({ length: senders }, send)])
  await probe()
  const rssGrowthMb = Math.round((rssOf(pid) - before) / 1024)
  return { frames, sockets, rssGrowthMb, probes, seconds: Math.round((performance.now() - began) / 100) / 10 }

  /** Warms the server up: what it loads at first is no growth. */
  async function send1000(): Promise<void> {
    for (let i = 0; i < 40; i++) {
      const socket = await openSocket(url)
      for (let n = 0; n < framesPerSocket && !socket.destroyed; n++) socket.write(hostileBytes(dice))
      socket.end()
      await closed(socket)
    }
  }
}

async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.write(
    `GET /sync HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  await new Promise<void>(resolve => {
    socket.once('data', () => resolve())
    socket.once('close', () => resolve())
  })
  socket.resume()
  return socket
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    socket.once('drain', resolve)
    socket.once('close', () => resolve())
  })
}

function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve()
  const timer = setTimeout(() => socket.destroy(), 2_000)
  return new Promise(resolve =>
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    }),
  )
}

const framesPerSocket = 25
const senders = 8
