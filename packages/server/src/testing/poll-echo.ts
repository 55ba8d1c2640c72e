import { Hono } from 'hono'
import { systemRandom } from '../host.ts'
import { Doorkeeper } from '../http/doorkeeper.ts'
import { listen, stopListening } from '../http/listen.ts'
import { addPollRoutes } from '../http/poll-routes.ts'

/** A server at `url` that takes conversations over HTTP requests, sends back every frame, and closes at `close`. */
export async function openPollEcho(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const app = new Hono()
  addPollRoutes(app, {
    doorkeeper: new Doorkeeper(),
    random: systemRandom,
    after(delayMs, task) {
      const timer = setTimeout(task, delayMs).unref()
      return () => clearTimeout(timer)
    },
    sessions: {
      begin: wire => ({
        received: frame => (frame === 'close' ? wire.close() : wire.send(frame!)),
        alive: () => undefined,
        closed: () => undefined,
      }),
    },
  })
  const { server, port } = await listen(app, { host: '127.0.0.1', port: 0, remembered: undefined })
  return { url: `http://127.0.0.1:${port}`, stop: () => stopListening(server) }
}
