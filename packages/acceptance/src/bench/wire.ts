import { connect, createServer } from 'node:net'

export interface Door {
  readonly url: string
  /** Both ways, framing and all. */
  bytes(): number
  /** From `target` to its clients. */
  bytesDown(): number
  close(): void
}

/** A door between a client and `target` that counts the bytes through it. */
export async function countingDoor(target: string): Promise<Door> {
  const { hostname, port } = new URL(target)
  const bytes = { up: 0, down: 0 }
  const door = createServer(client => {
    const server = connect(Number(port), hostname)
    const count = (way: 'up' | 'down') => (chunk: Buffer) => {
      bytes[way] += chunk.length
    }
    client.on('data', count('up')).pipe(server)
    server.on('data', count('down')).pipe(client)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
  })
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  const { port: doorPort } = door.address() as { port: number }
  return {
    url: `http://127.0.0.1:${doorPort}`,
    bytes: () => bytes.up + bytes.down,
    bytesDown: () => bytes.down,
    close: () => door.close(),
  }
}
