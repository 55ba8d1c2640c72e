import type { Duplex } from 'node:stream'

/** Says no to an upgrade, and ends the connection for good: what else comes over it nobody reads, so its end would go unnoticed. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  const timer = setTimeout(() => socket.destroy(), lastWordsMs)
  socket.once('close', () => clearTimeout(timer))
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/** For a reader that takes nothing. */
const lastWordsMs = 1_000
