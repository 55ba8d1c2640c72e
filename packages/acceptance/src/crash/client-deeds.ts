import type { Cloud } from '@nearcloud/client'

/** Something an app does, and what it makes of the documents that are there before. */
export interface ClientDeed {
  readonly name: string
  run(cloud: Cloud): Promise<unknown>
  /** Documents by `collection/_id`; undefined: gone. */
  readonly makes: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>
}

/** What every deed begins with. */
export const firstDocuments: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'todos/a': { n: 1, tags: ['x'], done: false },
  'todos/b': { n: 2, tags: [], done: false },
  'lists/l': {
    items: [
      { id: 'p', n: 0 },
      { id: 'q', n: 0 },
    ],
  },
}

const of = (cloud: Cloud) => {
  const db = cloud.database()
  return { db, _: db.command, todos: db.collection('todos'), lists: db.collection('lists') }
}
const { 'todos/a': a, 'todos/b': b } = firstDocuments as Record<string, Record<string, unknown>>

/** One mutation each. */
export const clientDeeds: readonly ClientDeed[] = [
  {
    name: 'add',
    run: cloud => of(cloud).todos.add({ data: { _id: 'c', n: 3 } }),
    makes: { 'todos/c': { n: 3 } },
  },
  {
    name: 'set of a new document',
    run: cloud =>
      of(cloud)
        .todos.doc('d')
        .set({ data: { n: 4 } }),
    makes: { 'todos/d': { n: 4 } },
  },
  {
    name: 'set of one that exists',
    run: cloud =>
      of(cloud)
        .todos.doc('a')
        .set({ data: { n: 5 } }),
    makes: { 'todos/a': { n: 5 } },
  },
  {
    name: 'update of a field',
    run: cloud =>
      of(cloud)
        .todos.doc('a')
        .update({ data: { done: true } }),
    makes: { 'todos/a': { ...a, done: true } },
  },
  {
    name: 'inc',
    run: cloud =>
      of(cloud)
        .todos.doc('a')
        .update({ data: { n: of(cloud)._.inc(7) } }),
    makes: { 'todos/a': { ...a, n: 8 } },
  },
  {
    name: 'push',
    run: cloud =>
      of(cloud)
        .todos.doc('a')
        .update({ data: { tags: of(cloud)._.push(['y']) } }),
    makes: { 'todos/a': { ...a, tags: ['x', 'y'] } },
  },
  {
    name: 'remove of a field',
    run: cloud =>
      of(cloud)
        .todos.doc('b')
        .update({ data: { tags: of(cloud)._.remove() } }),
    makes: { 'todos/b': { n: 2, done: false } },
  },
  {
    name: 'remove',
    run: cloud => of(cloud).todos.doc('a').remove(),
    makes: { 'todos/a': undefined },
  },
  {
    name: 'update of a query',
    run: cloud =>
      of(cloud)
        .todos.where({ done: false })
        .update({ data: { n: of(cloud)._.inc(1) } }),
    makes: { 'todos/a': { ...a, n: 2 }, 'todos/b': { ...b, n: 3 } },
  },
  {
    name: 'remove of a query',
    run: cloud => of(cloud).todos.where({ done: false }).remove(),
    makes: { 'todos/a': undefined, 'todos/b': undefined },
  },
  {
    name: 'update of an element',
    run: cloud =>
      of(cloud)
        .lists.doc('l')
        .update({ data: { 'items.1.n': of(cloud)._.inc(1) } }),
    makes: {
      'lists/l': {
        items: [
          { id: 'p', n: 0 },
          { id: 'q', n: 1 },
        ],
      },
    },
  },
  {
    name: 'batch over two collections',
    run(cloud) {
      const { db, _ } = of(cloud)
      const batch = db.batch()
      batch.collection('todos').add({ data: { _id: 'e', n: 9 } })
      batch
        .collection('todos')
        .doc('a')
        .update({ data: { n: _.inc(1) } })
      batch.collection('todos').doc('b').remove()
      batch
        .collection('lists')
        .doc('l')
        .update({ data: { items: _.push([{ id: 'r', n: 0 }]) } })
      return batch.commit()
    },
    makes: {
      'todos/e': { n: 9 },
      'todos/a': { ...a, n: 2 },
      'todos/b': undefined,
      'lists/l': {
        items: [
          { id: 'p', n: 0 },
          { id: 'q', n: 0 },
          { id: 'r', n: 0 },
        ],
      },
    },
  },
]
