import { type Document, type DownMessage, decodeTrusted, parseDown, readItem } from '@nearcloud/protocol'
import type { Session } from '@nearcloud/server/testing'
import type { Socket } from './network.ts'
import { documentKey } from './sim-engine.ts'
import type { World } from './world.ts'

/** Looks at a frame the server sends: nothing in it that its reader may not read, nothing that was never committed. */
export function inspectDown(world: World, socket: Socket, session: Session, frame: string): void {
  const message: DownMessage = parseDown(frame)
  if (message.type === 'welcome' && !message.resumed)
    for (const device of world.devices) if (device.process === socket.device) device.process.wasReset = true
  if (message.type !== 'changes' && message.type !== 'snapshot') return
  const { openid } = session
  if (openid === undefined) {
    world.violations.push(`documents for nobody: ${frame}`)
    return
  }
  const actor = { kind: 'user', openid } as const
  for (const item of message.items) {
    const read = readItem(item)
    const { collection, version } = read
    if ('gone' in read) {
      const key = documentKey(collection, read.gone)
      const wasReadable = (world.disk.versions.get(key) ?? []).some(each => {
        const text = world.disk.committed.get(`${key}@${each}`)
        return text && world.judge.mayRead(actor, collection, decodeTrusted(text) as Document)
      })
      if (!wasReadable) world.violations.push(`${openid} hears of ${key}, which it could never read`)
      continue
    }
    const key = documentKey(collection, read.document._id)
    if (!world.judge.mayRead(actor, collection, read.document))
      world.violations.push(`${openid} is sent ${key}@${version}, which it may not read`)
    if (world.disk.committed.get(`${key}@${version}`) !== JSON.stringify(item[2]))
      world.violations.push(`${openid} is sent ${key}@${version} as it never was: ${JSON.stringify(item[2])}`)
  }
}
