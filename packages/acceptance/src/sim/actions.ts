import type { DocId, Document, PathChange, Write } from '@nearcloud/protocol'
import type { Filter, Query } from '@nearcloud/query'
import type { Dice } from '../scenario/dice.ts'
import { elementsOf, marksIn, marksOf, meantFor } from './elements.ts'
import type { pages } from './texts.ts'

export const collections = ['open', 'notes', 'mine'] as const
export type Collection = (typeof collections)[number]

/** What people do: writes with a word of their own in each, and queries. */
export class Habits {
  readonly #dice: Dice
  readonly #asks: (query: Query) => boolean
  /** Documents that were there before are so large that each is a part of a snapshot. */
  readonly isLarge: boolean
  /** What people write is large, too. */
  readonly isFat: boolean
  #words = 0

  /** `asks`: what is asked at all. `isSmall`: nothing is large. */
  constructor(dice: Dice, asks: (query: Query) => boolean = () => true, isSmall = false) {
    this.#dice = dice
    this.#asks = asks
    this.isFat = dice.below(12) === 0 && !isSmall
    this.isLarge = dice.below(8) === 0 && !isSmall
  }

  /** A word nobody wrote before. */
  word(): string {
    return `w${++this.#words};`
  }

  id(known: readonly Document[]): DocId {
    if (known.length > 0 && this.#dice.below(100) < 85) return this.#dice.pick(known)._id
    const n = this.#dice.below(8)
    return n === 0 ? 1 : n === 1 ? '1' : `d${n}`
  }

  /** Writes that are decided together, and the word that is in them. */
  writes(known: (collection: Collection) => readonly Document[]): { writes: Write[]; word: string } {
    const word = this.word()
    const count = this.#dice.below(6) === 0 ? 2 : 1
    const touched = new Set<Document>()
    const writes = Array.from({ length: count }, () => {
      const collection = this.#dice.pick(collections)
      const all = known(collection)
      const id = this.id(all)
      const document = all.find(({ _id }) => _id === id)
      // after another write of these its elements are not where they are seen now
      const seen = document && !touched.has(document) ? document : undefined
      if (document) touched.add(document)
      return this.#write(collection, id, word, seen)
    })
    return { writes, word }
  }

  /** `seen`: the document as its author sees it, when there is one. */
  changes(word: string, seen?: Document): PathChange[] {
    const { below, pick } = this.#dice
    const all: PathChange[] = [
      ['title', 'set', below(8) === 0 ? 'bad' : word],
      ['o.x', 'set', word],
      ['o.y', 'set', word],
      ['o', 'set', { x: word }],
      ['o.y', 'remove', null],
      ['n', 'inc', 1 + below(5)],
      ['log', 'push', [word]],
      ['tags', 'addToSet', [`g${below(4)}`]],
      ['pub', 'set', below(3) > 0],
      ['rank', 'set', below(10)],
      ['n', 'inc', 7],
      ['log', 'push', [word]],
      ['room', 'set', below(3) === 0 ? 'r2' : 'r1'],
      ...this.changesOfElements(word, seen),
    ]
    const chosen = new Map<string, PathChange>()
    for (let i = 0; i <= below(2); i++) {
      const change = pick(all)
      const root = change[0].split('.')[0]!
      chosen.set(root, change)
    }
    return [...chosen.values()]
  }

  /** Elements come, go and move, while others change them where they saw them. */
  changesOfElements(word: string, seen: Document | undefined): PathChange[] {
    const { below, pick } = this.#dice
    const elements = elementsOf(seen)
    const fresh = `e${word.slice(1, -1)}`
    const each = [{ id: fresh, x: meantFor(fresh, word) }]
    const moves: PathChange[] = [
      ['items', 'push', { each, position: 0 }],
      ['items', 'push', { each, position: below(3), sort: [['x', -1]] }],
      ['items', 'push', { each, slice: -6 }],
      ['items', 'shift', null],
      ['items', 'pop', null],
      ['items', 'pull', { where: ['field', 'id', ['eq', `e${1 + below(3)}`]] }],
    ]
    if (elements.length === 0) return [pick(moves)]
    const index = below(elements.length)
    const { id } = elements[index]!
    const x = meantFor(id, word)
    return [
      pick(moves),
      pick<PathChange>([
        [`items.${index}.x`, 'set', x],
        [`items.${index}.x`, 'set', x],
        [`items.${index}`, 'set', { id, x }],
      ]),
    ]
  }

  /** The same of elements that have no name. `seen`: the document as the server has it, for all that its author knows. */
  changeOfMarks(word: string, seen: Document): PathChange {
    const { below, pick } = this.#dice
    const marks = marksIn(seen)
    const fresh = `m${word.slice(1, -1)}`
    const each = [{ mark: fresh, x: meantFor(fresh, word) }]
    const index = below(marks.length)
    const { mark } = marks[index] ?? {}
    if (mark === undefined || below(5) < 2)
      return pick<PathChange>([
        ['marks', 'push', { each, position: 0 }],
        ['marks', 'push', { each, position: below(3) }],
        ['marks', 'shift', null],
        ['marks', 'push', { each: [], sort: [['x', -1]] }],
      ])
    return [`marks.${index}.x`, 'set', meantFor(mark, word)]
  }

  /** Neither has all of the other. */
  readonly overlapping: readonly Query[] = (['open', 'open'] as const).map((collection, at) => ({
    collection,
    where: at === 0 ? ['field', 'pub', ['eq', true]] : ['field', 'rank', ['lt', 6]],
    orderBy: [],
    skip: 0,
  }))

  query(openid: string | undefined): Query {
    const { pick, below } = this.#dice
    const of = (collection: Collection | typeof pages, ...clauses: Filter[]): Query => ({
      collection,
      where: ['and', clauses],
      orderBy: [],
      skip: 0,
    })
    const own: Filter = ['field', '_openid', ['eq', openid ?? 'nobody']]
    const pub: Filter = ['field', 'pub', ['eq', true]]
    const room: Filter = ['field', 'room', ['eq', below(3) === 0 ? 'r2' : 'r1']]
    const low: Filter = ['field', 'rank', ['lt', 6]]
    const byRank = { orderBy: [['rank', below(2) === 0 ? 'asc' : 'desc']] } as const
    const all: readonly Query[] = [
      of('open'),
      of('open'),
      of('open', pub),
      of('open', low),
      of('open', pub, low),
      { ...of('open'), ...byRank, limit: 3 },
      { ...of('open'), ...byRank, skip: 1, limit: 2 },
      { ...of('open', pub), ...byRank, limit: 1 },
      of('open', ['field', '_id', ['eq', 'd3']]),
      of('pages'),
      of('notes'),
      of('notes', pub),
      of('notes', own),
      of('notes', room),
      of('notes', room),
      { ...of('notes', room), ...byRank, limit: 2 },
      { ...of('notes', pub), ...byRank, limit: 1 },
      of('mine'),
      of('mine'),
      of('mine', ['field', 'rank', ['gte', 5]]),
      { ...of('mine'), ...byRank, limit: 2 },
    ]
    return pick(all.filter(this.#asks))
  }

  #write(collection: Collection, id: DocId, word: string, seen: Document | undefined): Write {
    const { below } = this.#dice
    const kind = below(100)
    const data = () => ({
      title: below(12) === 0 ? 'bad' : word,
      n: 0,
      log: [word],
      tags: [],
      pub: below(3) > 0,
      rank: below(10),
      room: below(3) === 0 ? 'r2' : 'r1',
      items: ['e1', 'e2'].map(id => ({ id, x: meantFor(id, word) })),
      marks: marksOf(word),
      ...(this.isFat && { fat: word.repeat(12_000) }),
    })
    if (kind < 22) return { op: 'add', collection, id, data: data() }
    if (kind < 30) return { op: 'set', collection, id, data: data() }
    if (kind < 37) return { op: 'remove', collection, id }
    return { op: 'update', collection, id, changes: this.changes(word, seen) }
  }
}
