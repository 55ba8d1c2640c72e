import {
  type Document,
  type DownMessage,
  decodeTrusted,
  type Outcome,
  parseDown,
  readItem,
} from '@nearcloud/protocol'
import type { Batch, Session } from '@nearcloud/server/testing'
import type { Socket } from './network.ts'
import { documentKey } from './sim-engine.ts'
import type { World } from './world.ts'

/** Looks at a frame the server sends: nothing in it that its reader may not read, nothing that was never committed. */
export function inspectDown(world: World, socket: Socket, session: Session, frame: string): void {
  const message: DownMessage = parseDown(frame)
  if (message.type === 'welcome' && !message.resumed)
    for (const device of world.devices) if (device.process === socket.device) device.wasReset = true
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

/** Looks at what the server stores: everything a user did was theirs to do. */
export function inspectCommit(world: World, { changes, outcomes }: Batch): void {
  for (const { record } of changes) {
    const { collection, id, actor, beforeText, afterText, client, version } = record
    if (actor.kind !== 'user') continue
    const [before, after] = [beforeText, afterText].map(text => text && (decodeTrusted(text) as Document))
    const decided = outcomes.find(each => each.client === client && versionOf(each.outcome) === version)
    const writes = world.mutations.get(decided?.nonce ?? '')?.writes ?? []
    // of several writes on one document only the first and the last state are known here
    if (writes.filter(write => write.collection === collection && write.id === id).length !== 1) continue
    const op = before ? (after ? 'update' : 'delete') : 'create'
    const judged = { collection, op, before: before || null, after: after || null, data: null } as const
    if (world.judge.forbids(actor, judged))
      world.violations.push(`${actor.openid} could ${op} ${documentKey(collection, id)}@${version}`)
  }
}

function versionOf(outcome: Outcome): number | undefined {
  return outcome.status === 'accepted' ? outcome.version : undefined
}
