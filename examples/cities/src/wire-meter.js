import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** A port that passes everything on to a server's and counts the bytes, as a cable would see them. */
export async function openWireMeter(serverPort) {
  const meter = { received: 0, sent: 0 }
  const sockets = new Set()
  const passing = createServer(client => {
    const server = connect(serverPort, '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => sockets.delete(from))
      from.pipe(to)
    }
    client.on('data', bytes => {
      meter.sent += bytes.length
    })
    server.on('data', bytes => {
      meter.received += bytes.length
    })
  })
  passing.listen(0, '127.0.0.1')
  await once(passing, 'listening')
  return {
    meter,
    url: `http://127.0.0.1:${passing.address().port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      passing.close()
      await once(passing, 'close')
    },
  }
}
