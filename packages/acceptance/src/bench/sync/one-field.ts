import { createCloud } from '@nearcloud/node'
import { benchId } from '../documents.ts'
import { inFolder, median } from '../measuring.ts'
import { startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'
import { countingDoor } from '../wire.ts'

/** Bytes that a change of one field costs a reader: all the socket carries to it, frame headers and all. */
export const oneField: Section = {
  name: 'one-field',
  async run(): Promise<Found> {
    const server = await startServer({ documents: 1_000 })
    const door = await countingDoor(server.url)
    const writer = createCloud()
    try {
      writer.init({ endpoint: server.url, env: server.env, subscribe: { tasks: true } })
      await writer.ready()
      await writer.whenSynced()
      const bytes = await inFolder(async folder => {
        const follower = createCloud({ folder })
        follower.init({ endpoint: door.url, env: server.env, subscribe: { tasks: true } })
        await follower.ready()
        await follower.whenSynced()
        const heard = hearing(follower)
        await heard.ready
        const costs: number[] = []
        for (let n = 0; n < 50; n++) {
          const before = door.bytesDown()
          const hears = heard.next()
          await writer
            .database()
            .collection('tasks')
            .doc(benchId(n * 7))
            .update({ data: { priority: 1_000 + n } })
          await hears
          costs.push(door.bytesDown() - before)
        }
        await follower.close()
        return costs
      })
      return { absolute: { oneFieldBytes: median(bytes), documentBytes: server.jsonBytes / 1_000 } }
    } finally {
      await writer.close()
      door.close()
      server.stop()
    }
  },
}

function hearing(cloud: ReturnType<typeof createCloud>): { ready: Promise<void>; next(): Promise<void> } {
  let heard: () => void = () => undefined
  const next = () => new Promise<void>(resolve => (heard = resolve))
  const ready = next()
  cloud
    .database()
    .collection('tasks')
    .limit(1_000)
    .watch({
      onChange: () => heard(),
      onError: error => {
        throw error
      },
    })
  return { ready, next }
}
