import { connect, createServer } from 'node:net'

/** A door between a client and `target` that counts the bytes through it, both ways, framing and all. */
export async function countingDoor(target: string): Promise<{ url: string; bytes(): number; close(): void }> {
  const { hostname, port } = new URL(target)
  let bytes = 0
  const door = createServer(client => {
    const server = connect(Number(port), hostname)
    const count = (chunk: Buffer) => {
      bytes += chunk.length
    }
    client.on('data', count).pipe(server)
    server.on('data', count).pipe(client)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
  })
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  const { port: doorPort } = door.address() as { port: number }
  return { url: `http://127.0.0.1:${doorPort}`, bytes: () => bytes, close: () => door.close() }
}
