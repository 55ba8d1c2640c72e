import { protocolVersion, type UpMessage } from './messages.ts'

/*
 * What a client may say to a server of an older version. Whoever adds to a message that goes up writes here since when it is
 * known, and what is said instead.
 */

/** Messages that came with a version; what is not here has been there from the first. */
const messagesSince: { readonly [type in UpMessage['type']]?: number } = {
  aggregate: 2,
  prioritise: 3,
  check: 3,
  openText: 4,
  closeText: 4,
  enter: 4,
  leave: 4,
  present: 4,
  signIn: 4,
  merge: 4,
  have: 4,
  recall: 4,
}

/** What came with a version inside a message, and how to do without. Each changes a copy. */
const fieldsSince: readonly {
  readonly since: number
  readonly type: UpMessage['type']
  without(message: Tree): void
}[] = [
  { since: 3, type: 'subscribe', without: message => drop(message, 'priority') },
  {
    since: 3,
    type: 'hello',
    without(hello) {
      for (const subscription of hello.subscriptions as Tree[]) drop(subscription, 'priority', 'after')
    },
  },
  {
    // an index then means a place again, not the element that was seen there
    since: 3,
    type: 'push',
    without(push) {
      for (const { writes } of push.mutations as { writes: Tree[] }[])
        for (const write of writes)
          if (write.op === 'update')
            write.changes = (write.changes as unknown[][]).map(each => each.slice(0, 3))
    },
  },
  {
    // there are no texts: what it refuses is said in the place of an edit, so that it is refused and kept
    since: 4,
    type: 'push',
    without(push) {
      for (const mutation of push.mutations as { writes: Tree[] }[])
        mutation.writes = mutation.writes.map(write =>
          write.op === 'text'
            ? { op: 'update', collection: write.collection, id: write.id, changes: [] }
            : write,
        )
    },
  },
  {
    since: 4,
    type: 'hello',
    without(hello) {
      drop(hello, 'fetch', 'lineage')
      for (const subscription of hello.subscriptions as Tree[]) drop(subscription, 'holds')
    },
  },
  { since: 4, type: 'subscribe', without: message => drop(message, 'holds') },
  { since: 5, type: 'hello', without: message => drop(message, 'numbered') },
]

type Tree = { [key: string]: unknown }

/** Can this be said to a server of that version? */
export function isKnownIn(version: number, type: UpMessage['type']): boolean {
  return version >= (messagesSince[type] ?? 1)
}

/** A frame as a server of `version` knows it; undefined when it cannot be said there. */
export function frameFor(version: number, frame: string): string | undefined {
  if (version >= protocolVersion) return frame
  const message = JSON.parse(frame) as Tree & { type: UpMessage['type'] }
  if (!isKnownIn(version, message.type)) return undefined
  for (const { since, type, without } of fieldsSince)
    if (type === message.type && version < since) without(message)
  return JSON.stringify(message)
}

function drop(tree: Tree, ...keys: string[]): void {
  for (const key of keys) delete tree[key]
}
