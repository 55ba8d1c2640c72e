import { type Mutation, toCloudError, type Write } from '@nearcloud/protocol'
import type { Committed } from '@nearcloud/query'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import type { World } from './world.ts'

/** Waits for the server's word on what carries this word, and holds the answer against what was decided. */
export function expectVerdict(
  world: World,
  { process, device }: { process: Process; device: Device },
  { word, label, answer }: { word: string; label: string; answer: Promise<Committed> },
): void {
  device.ask(process, label, answer)
  answer.then(
    committed => {
      if (device.live === process) world.check(() => checkAccepted(world, process, word, committed))
    },
    thrown => {
      if (device.live === process) world.check(() => checkRejected(world, { process, device }, word, thrown))
    },
  )
}

function checkAccepted(world: World, process: Process, word: string, committed: Committed): void {
  const { name, store } = process
  const { pending, superseded = [] } = committed
  if (pending) throw new Violation('I8', `${name}: who waits for the server is answered before it`)
  if (store.outbox.mutations.some(mutation => wordsOf(mutation).includes(word)))
    throw new Violation('I3', `${name}: who waits is answered before the effect of ${word} is here`)
  const decided = decidedOf(world, word)
  if (decided === 'lost') return
  const isSo = decided.some(
    outcome => outcome.status === 'accepted' && String(outcome.superseded ?? []) === String(superseded),
  )
  if (!isSo)
    throw new Violation('I8', `${name}: ${word} is said to be accepted, superseded ${superseded}, and is not`)
}

/** The server's refusal names what it refused; what this side would not have never left. */
function checkRejected(
  world: World,
  { process, device }: { process: Process; device: Device },
  word: string,
  thrown: unknown,
): void {
  const { code, details } = toCloudError(thrown)
  const nonce = details?.rejection as string | undefined
  if (nonce === undefined) {
    if (code === 'CLOSED') throw new Violation('I10', `${process.name}: ${word} is given up`)
    return
  }
  const decided = decidedOf(world, word)
  const isOfFile = details?.fileID !== undefined
  if (decided !== 'lost' && !isOfFile && !decided.some(({ status }) => status === 'rejected'))
    throw new Violation('I8', `${process.name}: ${word} is said to be refused, and is not`)
  const isListed = process.store.rejected.some(({ mutation }) => mutation.nonce === nonce)
  if (!isListed && !device.discarded.has(nonce))
    throw new Violation('I8', `${process.name}: ${word} was refused, and is not among the rejected`)
}

function decidedOf({ disk, noncesByWord }: World, word: string) {
  const nonces = [...(noncesByWord.get(word) ?? [])]
  if (nonces.some(nonce => disk.lost.has(nonce))) return 'lost'
  return nonces.flatMap(nonce => (disk.byNonce.get(nonce) ?? []).map(({ outcome }) => outcome))
}

/** Tries a refused write again as it was, or says it better. */
export function tryAgain(world: World, process: Process, device: Device): void {
  const { dice, habits } = world
  const able = process.store.rejected.filter(
    ({ mutation }) => !process.retrying.has(mutation.nonce) && !isOfPlaces(mutation),
  )
  if (able.length === 0) return
  const { mutation } = dice.pick(able)
  const { nonce } = mutation
  const fresh = habits.word()
  const writes =
    dice.below(2) === 0 ? mutation.writes : mutation.writes.map(write => saidBetter(write, fresh))
  const [word] = wordsIn(writes)
  if (word === undefined) return
  world.ledger.triesAgain(wordsOf(mutation))
  process.retrying.add(nonce)
  device.discarded.add(nonce) // whether it is still there after a crash is open
  device.retried.set(nonce, { word, earlier: new Set(noncesOf(world, process, word)) })
  const isWaiting = dice.below(2) === 0
  const answer = process.sync.retry(nonce, writes, isWaiting ? 'server' : undefined)
  answer.catch(thrown => {
    const { code, details } = toCloudError(thrown)
    if (details?.rejection !== undefined) return
    process.retrying.delete(nonce)
    if (code.startsWith('STORE_') && word === fresh) world.refusedWords.add(word)
  })
  if (isWaiting) expectVerdict(world, { process, device }, { word, label: 'try again and wait', answer })
  else device.ask(process, 'try again', answer)
}

/** What has no name is not found again by who says that they know what is there by now. */
function isOfPlaces({ writes }: Mutation): boolean {
  return writes.some(
    write => write.op === 'update' && write.changes.some(([path]) => path.startsWith('marks.')),
  )
}

function saidBetter(write: Write, word: string): Write {
  switch (write.op) {
    case 'add':
    case 'set':
      return { ...write, data: { ...write.data, title: word } }
    case 'update':
      return { ...write, changes: [['title', 'set', word]] }
    case 'text':
    case 'remove':
      return write
  }
}

/** What is tried again takes the place of what was refused: there is one of them, whatever happened in between. */
export function checkRetries(world: World, device: Device, { name, store }: Process): void {
  if (device.wasRestored) return
  for (const [nonce, { word, earlier }] of device.retried) {
    const isOld = store.rejected.some(({ mutation }) => mutation.nonce === nonce)
    const isThere = noncesOf(world, { store }, word).some(each => each !== nonce && !earlier.has(each))
    if (isOld && isThere)
      throw new Violation('I8', `${name}: ${nonce} was tried again with ${word}, and is still there`)
    if (!isOld && !isThere)
      throw new Violation('I1', `${name}: ${nonce} was to be tried again with ${word}, and neither is there`)
  }
}

/** Of mutations with this word: here, or seen on the wire. */
function noncesOf({ noncesByWord }: World, { store }: Pick<Process, 'store'>, word: string): string[] {
  const here = [...store.outbox.mutations, ...store.rejected.map(({ mutation }) => mutation)]
  const nonces = here.filter(mutation => wordsOf(mutation).includes(word)).map(({ nonce }) => nonce)
  return [...nonces, ...(noncesByWord.get(word) ?? [])]
}

const known = new WeakMap<readonly Write[], readonly string[]>()

/** The words in a mutation: what each write is known by. */
export function wordsOf({ writes }: Mutation): readonly string[] {
  const words = known.get(writes) ?? wordsIn(writes)
  known.set(writes, words)
  return words
}

export function wordsIn(writes: readonly Write[]): readonly string[] {
  const edits = writes.flatMap(write => (write.op === 'text' ? [lettersOf(write.update)] : []))
  return [...new Set(`${JSON.stringify(writes)} ${edits}`.match(/w\d+;/g) ?? [])]
}

/** What was typed is in an update of Yjs as it is. */
function lettersOf(update: string): string {
  return Buffer.from(update, 'base64').toString('latin1')
}
