import {
  applyPatch,
  type Document,
  type DownMessage,
  type DownOf,
  decodeTrusted,
  encode,
  type Item,
  type Outcome,
  type PatchItem,
  parseDown,
  readItem,
  readSnapshotItem,
  type Write,
} from '@nearcloud/protocol'
import { readStamps } from '@nearcloud/query'
import type { Batch, Session } from '@nearcloud/server/testing'
import { collections } from './actions.ts'
import { misplacedIn } from './elements.ts'
import { checkValues, onlyWriteOf } from './merging.ts'
import type { Socket } from './network.ts'
import { ReadsAt } from './reads.ts'
import { documentKey, readByRules } from './sim-disk.ts'
import { pages } from './texts.ts'
import type { World } from './world.ts'

/** Looks at a frame the server sends: nothing in it that its reader may not read, nothing that was never committed. */
export function inspectDown(world: World, socket: Socket, session: Session, frame: string): void {
  const message: DownMessage = parseDown(frame)
  switch (message.type) {
    case 'welcome':
      inspectWelcome(world, socket, message)
      inspectOutcomes(world, session, message.outcomes)
      break
    case 'pushed':
      inspectOutcomes(world, session, message.outcomes)
      break
    case 'changes':
      for (const [, ids] of message.windows ?? []) inspectWindow(world, session, ids)
      inspectItems(world, session, message)
      break
    case 'snapshot':
      inspectWindow(world, session, message.window ?? [])
      inspectItems(world, session, message, socket.named)
  }
}

function inspectWelcome(world: World, socket: Socket, welcome: DownOf<'welcome'>): void {
  world.views.set(welcome.viewKey, world.judge.current)
  if (welcome.resumed) return
  for (const device of world.devices) if (device.process === socket.device) device.wasReset = true
}

/** What is said to be decided is on the disk. */
function inspectOutcomes(world: World, session: Session, outcomes: DownOf<'pushed'>['outcomes']): void {
  for (const { id, status } of outcomes) {
    const isDurable = world.disk.decided.some(
      each => each.client === session.client && each.outcome.id === id && each.outcome.status === status,
    )
    if (!isDurable) world.violates('I1', `${session.client} hears of mutation ${id}, which is not durable`)
  }
}

function inspectItems(
  world: World,
  session: Session,
  message: DownOf<'changes'> | DownOf<'snapshot'>,
  named?: ReadonlySet<string | number>,
): void {
  const { openid } = session
  if (openid === undefined) {
    world.violates('I5', 'documents for nobody')
    return
  }
  const head = world.house?.head ?? 0
  for (const read of readItems(session, message)) {
    const { collection, version } = read
    if ('gone' in read) {
      // what the client itself said it has, or wrote, tells it nothing
      const key = documentKey(collection, read.gone)
      const isOwn = (world.disk.editions.get(key) ?? []).some(({ client }) => client === session.client)
      if (isOwn || named?.has(read.gone)) continue
      if (!wasReadable(world, openid, key))
        world.violates('I5', `${openid} hears of ${collection}/${read.gone}, which it could never read`)
      continue
    }
    const document = 'patch' in read ? patched(world, read) : read.document
    if (!document) {
      world.violates('I2', `${openid} is sent a patch of ${collection}@${version} for what never was`)
      continue
    }
    const key = documentKey(collection, document._id)
    if ('patch' in read) world.count('change told as a patch')
    const asked = { judge: world.judge.current, openid, collection, document }
    if (!world.rights.everSince(head, asked))
      world.violates('I5', `${openid} is sent ${key}@${version}, which it may not read`)
    if (world.disk.edition(key, version)?.text !== encode(document))
      world.violates('I2', `${openid} is sent ${key}@${version} as it never was: ${encode(document)}`)
    const latest = world.disk.at(key, head)?.version ?? version
    if (
      message.type === 'changes' &&
      latest > version &&
      session.feed?.followed.matches(collection, document)
    )
      world.violates('I2', `${openid} is told ${key}@${version} as of ${head}: by then it is ${latest}`)
  }
}

function readItems(
  { feed }: Session,
  message: DownOf<'changes'> | DownOf<'snapshot'>,
): readonly ReturnType<typeof readItem>[] {
  if (message.type === 'changes') return message.items.map(readItem)
  const { query } = feed!.followed.plain(message.id) ?? feed!.followed.window(message.id)!
  return message.items.map(item => readSnapshotItem(query.collection, item) ?? readItem(item as Item))
}

/** What a patch makes of the version it names. */
function patched(world: World, { collection, base, id, patch }: PatchItem): Document | undefined {
  const before = world.disk.edition(documentKey(collection, id), base)?.document
  return before ? applyPatch(before, patch) : undefined
}

/** Ids say that there is such a document. */
function inspectWindow(world: World, { openid = '' }: Session, ids: readonly (string | number)[]): void {
  for (const id of ids) {
    const keys = [...collections, pages].map(collection => documentKey(collection, id))
    if (!keys.some(key => wasReadable(world, openid, key)))
      world.violates('I5', `${openid} hears of ${id} in a window, which it could never read`)
  }
}

function wasReadable(world: World, openid: string, key: string): boolean {
  const collection = key.slice(0, key.indexOf('/'))
  return (world.disk.editions.get(key) ?? []).some(
    ({ document }) =>
      document && world.rights.everSince(0, { judge: world.judge.current, openid, collection, document }),
  )
}

/** Looks at what the server stores: everything a user did was theirs to do, and merged as it should be. */
export function inspectCommit(world: World, { from, changes, outcomes }: Batch): void {
  let last = from
  const decidedBefore = new Map<string, Document | null>()
  for (const { outcome } of outcomes) if (outcome.status === 'rejected') world.count('write refused by rules')
  for (const change of changes) {
    const { collection, id, actor, beforeText, afterText, client, version, time } = change.record
    const place = `${documentKey(collection, id)}@${version}`
    if (version < last) world.violates('I12', `${place} comes after version ${last}`)
    last = version
    const before = beforeText === null ? null : (decodeTrusted(beforeText) as Document)
    const after = afterText === null ? null : (decodeTrusted(afterText) as Document)
    if (readByRules.includes(collection)) decidedBefore.set(documentKey(collection, id), after)
    const decided = outcomes.find(each => each.client === client && versionOf(each.outcome) === version)
    const mutation = world.mutations.get(decided?.nonce ?? '')
    inspectStamps(world, change)
    if (collection === '_files') continue // whoever overwrites a file owns it
    world.elements.note(change.record, mutation)
    const key = documentKey(collection, id)
    world.elements.noteWhole(key, !before, writesOf(world, outcomes, change.record))
    const areMarksKnown = world.elements.areMarksKnown(key)
    for (const words of after ? misplacedIn(after, areMarksKnown) : [])
      world.violates('M', `${place}: ${words}`)
    const isMadeAnew = mutation && !onlyWriteOf(mutation, change.record)
    if (mutation) world.users.inspectActor(mutation.nonce, actor)
    const isSame = before && after && before._id === after._id && world.users.mayOwn(before, after, actor)
    if (!isMadeAnew && before && after && !isSame)
      world.violates('I13', `${place} was of ${before._openid}, and is of ${after._openid}`)
    if (!before && after && actor.kind === 'user' && after._openid !== actor.openid)
      world.violates('I13', `${place} is made by ${actor.openid}, for ${after._openid}`)
    const superseded = decided?.outcome.status === 'accepted' ? (decided.outcome.superseded ?? []) : []
    for (const words of world.merging.follow(change, mutation, superseded)) world.violates('M', words)
    // of several writes on one document only the first and the last state are known here
    const write = mutation && onlyWriteOf(mutation, change.record)
    if (actor.kind !== 'user' || !write) continue
    for (const words of checkValues(write, superseded, before, after)) world.violates('M', words)
    for (const words of world.elements.check(change.record, mutation, superseded, { before, after }))
      world.violates('M', words)
    const op = before ? (after ? 'update' : 'delete') : 'create'
    const judged = { collection, op, before, after, data: null } as const
    if (world.judge.forbids(actor, judged, new ReadsAt(world.disk, version, decidedBefore)))
      world.violates('I5', `${actor.openid} could ${op} ${place} at ${time}`)
  }
  inspectWholeness(world, { changes, outcomes })
}

/** Everything that was accepted of a document in one version. */
function writesOf(
  { mutations }: World,
  outcomes: Batch['outcomes'],
  { collection, id, client, version }: Batch['changes'][number]['record'],
): readonly Write[] {
  const decided = outcomes.filter(each => each.client === client && versionOf(each.outcome) === version)
  const writes = decided.flatMap(({ nonce }) => mutations.get(nonce)?.writes ?? [])
  return writes.filter(write => write.collection === collection && write.id === id)
}

/** What was accepted is there, each part of it. */
function inspectWholeness(world: World, { changes, outcomes }: Pick<Batch, 'changes' | 'outcomes'>): void {
  for (const { nonce, client, outcome } of outcomes) {
    const mutation = world.mutations.get(nonce)
    if (outcome.status !== 'accepted' || !mutation) continue
    const { version } = outcome
    for (const write of mutation.writes) {
      if (onlyWriteOf(mutation, write) !== write) continue
      const { collection, id } = write
      const ofIt = changes.filter(({ record }) => record.collection === collection && record.id === id)
      if (ofIt.some(({ record }) => record.client === client && record.version === version)) continue
      const before = ofIt.filter(({ record }) => record.version <= version).at(-1)
      const wasThere = before
        ? before.record.afterText !== null
        : Boolean(world.disk.at(documentKey(collection, id), Number.POSITIVE_INFINITY)?.document)
      if (changesAnyway(write, wasThere))
        world.violates('I4', `${nonce} was accepted without its ${write.op} of ${collection}/${id}`)
    }
  }
}

/** Leaves this a trace, whatever gives way of it? */
function changesAnyway(write: Write, isThere: boolean): boolean {
  if (write.op === 'add') return true
  if (write.op === 'remove') return isThere
  return isThere && write.op === 'update' && write.changes.some(([path]) => path === 'n' || path === 'log')
}

/** No time is ahead of its receipt, and those of one client never go back. */
function inspectStamps(world: World, { record, stamps }: Batch['changes'][number]): void {
  const { collection, id, client, afterText } = record
  if (afterText === null) return
  const document = decodeTrusted(afterText) as Document
  for (const [path, [version, time]] of Object.entries(readStamps(stamps, document))) {
    if (version !== record.version) continue
    const ahead = time - world.latestServerTime
    if (ahead > 0) world.violates('C4', `${collection}/${id}/${path} is ${ahead} ms ahead`)
    if (client === null) continue
    const last = world.lastTimes.get(client) ?? time
    if (time < last)
      world.violates('C4', `${collection}/${id}/${path} is of ${time}, and ${client} was at ${last} already`)
    world.lastTimes.set(client, time)
  }
}

function versionOf(outcome: Outcome): number | undefined {
  return outcome.status === 'accepted' ? outcome.version : undefined
}
