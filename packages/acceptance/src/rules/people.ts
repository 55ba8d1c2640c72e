import { mutationToJson, newNonce, type Write } from '@nearcloud/protocol'
import { queryToJson } from '@nearcloud/query'
import type { Check, Fuzz } from './fuzz.ts'
import type { Listener } from './listener.ts'
import { type Deed, isShapely, type Moment, mayRead, mayWrite } from './oracle.ts'
import { Leak } from './watch.ts'
import { asked, collections } from './world.ts'

export function operatorWrites(fuzz: Fuzz, underWay: Promise<unknown>[]): undefined {
  const { world } = fuzz
  const write = crowded(fuzz) ?? world.randomWrite()
  if (fuzz.isTouched(write)) return
  fuzz.count('operator writes')
  fuzz.isQuiet = false
  const deed = { write, isDone: true, owner: null }
  fuzz.deeds.push(deed)
  underWay.push(world.server.executorFor({ kind: 'admin' }).commit({ writes: [write] }))
}

/** Not more documents than are looked at quickly. */
export function crowded(fuzz: Fuzz): Write | undefined {
  for (const collection of collections) {
    const documents = fuzz.world.moment.documents.get(collection)!
    if (documents.size > 9) return { op: 'remove', collection, id: [...documents.keys()][0]! }
  }
  return undefined
}

export function userWrites(fuzz: Fuzz, listener: Listener, underWay: Promise<unknown>[]): Check | undefined {
  const { world } = fuzz
  const { dice } = world
  const collection = dice.below(6) === 0 ? dice.pick(collections) : dice.pick(asked)
  const known = world.anyId(collection)
  const id = known !== undefined && dice.below(3) > 0 ? known : world.newId()
  const write = dice.pick<() => Write>([
    () => ({ op: 'add', collection, id, data: world.randomData() }),
    () => ({ op: 'set', collection, id, data: world.randomData() }),
    // takes away all but a few
    () => ({ op: 'set', collection, id, data: { secret: world.newSecret(), weight: 1, n: dice.below(9) } }),
    () => ({ op: 'remove', collection, id }),
    () => world.randomUpdate(collection, id),
    () => world.randomUpdate(collection, id),
  ])()
  // of two from one client the later may have to wait for what became of the other
  if (fuzz.isTouched(write) || fuzz.deeds.some(({ owner }) => owner === listener.asker.openid))
    return undefined
  fuzz.count('user writes')
  fuzz.isQuiet = false
  const deed = { write, isDone: false, owner: listener.asker.openid }
  fuzz.deeds.push(deed)
  const number = ++listener.lastMutation
  listener.outcomes.delete(number)
  listener.recalled = [
    [collection, id],
    [dice.pick(asked), world.anyId(dice.pick(asked)) ?? 'x'],
    ...listener.recalled.slice(0, 5),
  ]
  const mutation = {
    ...{ id: number, nonce: newNonce(() => new Uint8Array(16).map(() => dice.below(256))) },
    ...{ base: Number.MAX_SAFE_INTEGER, time: Date.now(), writes: [write] },
  }
  listener.say({ type: 'push', mutations: [mutationToJson({ ...mutation, base: listener.version })] })
  const before = world.moment.documents.get(collection)!.get(String(id)) ?? null
  const after = world.after(write, listener.asker.openid)
  const ended = () => listener.outcomes.has(number) || !listener.isOpen
  underWay.push(
    listener.until(ended).then(async () => {
      // who was sent away finds out when it comes back
      while (!listener.outcomes.has(number)) await comeBack(fuzz, listener, number)
      deed.isDone = listener.outcomes.get(number)!.status === 'accepted'
    }),
  )
  return () => {
    const outcome = listener.outcomes.get(number)!
    if (outcome.status === 'rejected' && outcome.code === 'LOST') return
    const told = `${JSON.stringify(write)} by ${JSON.stringify(listener.asker)} was ${JSON.stringify(outcome)}`
    const isNothing = before === null && after === null
    const superseded = (outcome.status === 'accepted' && outcome.superseded) || []
    // nothing is newer; what an update does not find is named
    if (superseded.some(name => !isNothing || name !== `${collection}/${id}`)) throw new Error(told)
    const isTaken = write.op === 'add' && before !== null
    const deedOf: Deed = { collection, before, after, named: namedBy(write) }
    const mayDo = (moment: Moment) => mayWrite(moment, listener.asker, deedOf)
    const isAllowed = (moment: Moment) => isNothing || (mayDo(moment) && isShapely(moment, deedOf))
    fuzz.tally(outcome.status === 'accepted')
    if (outcome.status === 'accepted') {
      if (!isTaken && world.watch.moments.some(isAllowed)) return
      throw new Leak(`a write that is not allowed: ${told}`)
    }
    if (isTaken && outcome.code !== 'DATABASE_PERMISSION_DENIED') return
    const isRight = (moment: Moment) =>
      outcome.code === 'DATABASE_PERMISSION_DENIED'
        ? !isNothing && !mayDo(moment)
        : // who may not write is told that, and not what the document lacks
          isUnshapely(outcome) && mayDo(moment) && !isShapely(moment, deedOf)
    if (world.watch.moments.some(isRight)) {
      if (outcome.code !== 'DATABASE_PERMISSION_DENIED') fuzz.refusedBySchemas++
      else if ((outcome.details as { path?: unknown } | undefined)?.path !== undefined) fuzz.refusedByFields++
      return
    }
    throw new Error(`a write that is allowed: ${told}`)
  }
}

export async function comeBack(_fuzz: Fuzz, listener: Listener, number: number): Promise<void> {
  await listener.connect({ holds: false, forgetting: false, hasSeen: false })
  // what was not decided is sent again by a client; here it never was sent
  if (listener.isOpen && !listener.outcomes.has(number) && listener.decided < number) {
    listener.lastMutation = listener.decided
    listener.outcomes.set(number, { id: number, status: 'rejected', code: 'LOST', reason: '' })
  }
}

export function subscribes(fuzz: Fuzz, listener: Listener): Check | undefined {
  fuzz.count('subscribes')
  const query = fuzz.query(listener.asker)
  const id = ++fuzz.asks
  listener.subscriptions.set(id, { query, state: 'asked', first: new Set() })
  listener.say({ type: 'subscribe', id, query: queryToJson(query) })
  while (listener.subscriptions.size > 12) drop(fuzz, listener, listener.subscriptions.keys().next().value!)
  return () => {
    const subscription = listener.subscriptions.get(id)
    if (!subscription || subscription.state === 'asked') return
    fuzz.judgeQuery(listener.asker, query, subscription.state === 'complete')
    if (subscription.state !== 'complete' || !fuzz.isQuiet) return
    const ids = subscription.first
    fuzz.expect(listener.asker, query, found => {
      if (query.limit !== undefined) {
        const size = Math.min(Math.max(found.length - query.skip, 0), query.limit)
        return ids.size === size && [...ids].every(each => found.some(({ _id }) => _id === each))
      }
      return ids.size === found.length && found.every(({ _id }) => ids.has(_id))
    })
  }
}

export function unsubscribes(fuzz: Fuzz, listener: Listener): undefined {
  const [first] = listener.subscriptions.keys()
  if (first === undefined) return
  fuzz.count('unsubscribes')
  drop(fuzz, listener, first)
}

export function drop(_fuzz: Fuzz, listener: Listener, id: number): void {
  listener.subscriptions.delete(id)
  if (listener.isOpen) listener.say({ type: 'unsubscribe', id })
}

export function come(fuzz: Fuzz, listener: Listener, underWay: Promise<unknown>[]): undefined {
  const { dice } = fuzz.world
  if (fuzz.deeds.some(({ owner }) => owner === listener.asker.openid)) return
  if (fuzz.isComing.has(listener)) return
  fuzz.count('conversations')
  fuzz.isComing.add(listener)
  underWay.push(
    listener
      .connect({
        ...{ holds: dice.below(3) === 0, forgetting: dice.below(8) === 0, hasSeen: dice.below(3) > 0 },
      })
      .finally(() => fuzz.isComing.delete(listener)),
  )
}

/** The room of a document: who is there says a secret of it. */
export function enters(fuzz: Fuzz, listener: Listener): Check | undefined {
  const { world } = fuzz
  const collection = world.dice.pick(asked)
  const id = world.anyId(collection)
  if (id === undefined) return undefined
  fuzz.count('rooms')
  const number = ++fuzz.asks
  listener.rooms.set(number, 'asked')
  listener.say({ type: 'enter', id: number, room: [collection, id] })
  for (const room of [...listener.rooms.keys()].slice(0, -20)) {
    listener.rooms.delete(room)
    listener.say({ type: 'leave', id: room })
  }
  return () => {
    const state = listener.rooms.get(number)
    if (state !== 'in' && state !== 'closed') return
    const may = world.watch.moments.map(moment => {
      const document = moment.documents.get(collection)!.get(id)
      return document !== undefined && mayRead(moment, listener.asker, collection, document)
    })
    if (state === 'in') fuzz.agree(true, may, `the room of ${id} is entered`)
    else if (fuzz.isQuiet) fuzz.agree(false, may, `the room of ${id} is entered`)
  }
}

function isUnshapely({ code, details }: { readonly code: string; readonly details?: unknown }): boolean {
  return (
    code === 'DATABASE_REQUEST_FAILED' && (details as { reason?: unknown } | undefined)?.reason === 'schema'
  )
}

function namedBy(write: Write): readonly string[] {
  if (write.op === 'update') return write.changes.map(([path]) => path)
  return write.op === 'add' || write.op === 'set' ? Object.keys(write.data) : []
}
