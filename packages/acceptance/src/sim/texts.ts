import { CloudError, NewText, type Write } from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { documentKey } from './sim-disk.ts'
import type { World } from './world.ts'

/** Documents with a text in `body`, which several people edit at once and nobody does anything else with. */
export const pages = 'pages'
const ids = ['p1', 'p2'] as const
const path = 'body'

/** What was typed: an edit that nobody has sent grows with the next one, and then has another nonce. */
export interface Typed {
  /** In which document each word. */
  readonly words: Map<string, string>
  /** What an edit became. */
  readonly grown: Map<string, string>
}

export function blankPages(): Write[] {
  return ids.map(id => {
    const data = { _openid: 'ann', n: 0, log: [], tags: [], pub: true, rank: 1, body: new NewText('page;') }
    return { op: 'add', collection: pages, id, data }
  })
}

/** Somebody types a word behind another one, in a text that is open; or opens it. */
export function type(world: World, process: Process, device: Device): void {
  const { dice, habits, typed } = world
  const id = dice.pick(ids)
  const handle = process.texts.get(id)
  if (!handle) {
    open(process, device, id)
    return
  }
  const word = habits.word()
  const before = [...process.store.outbox.of(pages, id)]
  const ends = [...String(handle).matchAll(/;/g)].map(({ index }) => index + 1)
  handle.ytext.insert(dice.pick([0, ...ends]), word)
  const made = process.store.outbox.of(pages, id)
  const last = made.at(-1)
  if (!last) throw new Violation('I1', `${process.name}: ${word} was typed, and is not on its way`)
  typed.words.set(word, id)
  const earlier = before.at(-1)
  if (!earlier || made.length > before.length || earlier.nonce === last.nonce) return
  typed.grown.set(earlier.nonce, last.nonce)
}

/** Has this edit become another one that is kept, or was decided? Or is it about to? */
export function hasGrown(world: World, { outbox }: Process['store'], nonce: string): boolean {
  const isKept = (each: string) => outbox.find(mutation => mutation.nonce === each) !== undefined
  // storage may have it, and not yet what it is growing to
  return isKept(nonce) || grownFrom(world, nonce).some(isKept) || isDecidedGrown(world, nonce)
}

/** Was it decided as what it had become, or is that lost with what the server lost? */
export function isDecidedGrown(world: World, nonce: string): boolean {
  const { byNonce, lost } = world.disk
  return grownFrom(world, nonce).some(each => byNonce.has(each) || lost.has(each))
}

function grownFrom({ typed }: World, nonce: string): string[] {
  const found: string[] = []
  for (let next = typed.grown.get(nonce); next !== undefined; next = typed.grown.get(next)) found.push(next)
  return found
}

export function closeText(world: World, process: Process): void {
  const id = world.dice.pick(ids)
  process.texts.get(id)?.close()
  process.texts.delete(id)
}

function open(process: Process, device: Device, id: string): void {
  const opened = process.sync.executor.text!({ collection: pages, id, path })
  device.ask(process, 'open text', opened)
  opened.then(
    handle => {
      process.texts.set(id, handle)
      void handle.closed.then(() => {
        if (process.texts.get(id) === handle) process.texts.delete(id)
      })
    },
    thrown => {
      if (!(thrown instanceof CloudError)) throw thrown
    },
  )
}

/** What was accepted is in the text, once; nothing else is; and editors show what is stored. */
export function checkTexts(world: World): void {
  const { disk, typed, devices, noncesByWord } = world
  for (const id of ids) {
    const document = disk.at(documentKey(pages, id), Number.POSITIVE_INFINITY)?.document
    const text = document?.body
    if (typeof text !== 'string') throw new Violation('T', `${id} has no text any more`)
    for (const device of devices) {
      const handle = device.live?.texts.get(id)
      if (handle && String(handle) !== text)
        throw new Violation('T', `${device.name} shows ${String(handle)} in ${id}, there is ${text}`)
    }
    const counts = new Map<string, number>()
    for (const [word] of text.matchAll(/w\d+;/g)) counts.set(word, (counts.get(word) ?? 0) + 1)
    for (const [word, of] of typed.words) {
      const nonces = [...(noncesByWord.get(word) ?? [])]
      if (of !== id || nonces.some(nonce => disk.lost.has(nonce))) continue
      const isAccepted = nonces.some(nonce => disk.byNonce.get(nonce)?.[0]?.outcome.status === 'accepted')
      const [count, wanted] = [counts.get(word) ?? 0, isAccepted ? 1 : 0]
      if (count !== wanted)
        throw new Violation('T', `${word} of ${nonces} is ${count} times in ${id}, not ${wanted}: ${text}`)
    }
  }
}

export type OpenTexts = Map<string, TextHandle>
