import type { DownMessage } from '@nearcloud/protocol'
import type { RawClient } from './raw-client.ts'

/** A conversation as it was: what a client said, and what it was told. `open` is another connection of the same client. */
export type TranscriptStep =
  | { readonly open: string }
  | { readonly up: { readonly type: string; readonly [field: string]: unknown } }
  | { readonly down: unknown }

/**
 * Says what a transcript says, and looks whether the same is answered, in the same order and nothing besides. In what is
 * expected `"*"` is anything, and `"*name"` anything that is the same wherever the name stands, in what is said too.
 *
 * Returns everything that was heard. Throws at the first difference.
 */
export async function replayTranscript(
  steps: readonly TranscriptStep[],
  connect: () => Promise<RawClient> | RawClient,
): Promise<DownMessage[]> {
  const heard: DownMessage[] = []
  const names = new Map<string, unknown>()
  let client: RawClient | undefined
  let read = 0
  for (const [n, step] of steps.entries()) {
    if ('open' in step) {
      client = await connect()
      read = 0
    } else if ('up' in step) client!.raw(JSON.stringify(named(step.up, names)))
    else {
      while (client!.heard.length <= read && !client!.isClosed)
        await new Promise(resolve => setImmediate(resolve))
      const message = client!.heard[read++]
      const difference = differs(step.down, message, names, '')
      if (difference !== undefined)
        throw new Error(
          `step ${n}: ${difference}\n  heard    ${JSON.stringify(message)}\n  expected ${JSON.stringify(step.down)}`,
        )
      heard.push(message!)
    }
  }
  return heard
}

/** What stands for a name in it. */
function named(tree: unknown, names: ReadonlyMap<string, unknown>): unknown {
  if (typeof tree === 'string' && /^\*[a-z]+$/.test(tree)) {
    if (!names.has(tree)) throw new Error(`nothing was heard of ${tree}`)
    return names.get(tree)
  }
  if (Array.isArray(tree)) return tree.map(each => named(each, names))
  if (typeof tree !== 'object' || tree === null) return tree
  return Object.fromEntries(Object.entries(tree).map(([key, each]) => [key, named(each, names)]))
}

function differs(
  expected: unknown,
  value: unknown,
  names: Map<string, unknown>,
  place: string,
): string | undefined {
  if (expected === '*') return value === undefined ? `${place}: nothing` : undefined
  if (typeof expected === 'string' && /^\*[a-z]+$/.test(expected)) {
    if (!names.has(expected)) names.set(expected, value)
    return Object.is(names.get(expected), value) ? undefined : `${place}: another ${expected.slice(1)}`
  }
  if (typeof expected !== 'object' || expected === null || typeof value !== 'object' || value === null)
    return Object.is(expected, value) ? undefined : `${place}: ${JSON.stringify(value)}`
  if (Array.isArray(expected) !== Array.isArray(value)) return `${place}: another kind`
  const keys = new Set([...Object.keys(expected), ...Object.keys(value)])
  for (const key of keys) {
    const [is, shouldBe] = [value as { [key: string]: unknown }, expected as { [key: string]: unknown }]
    if (!Object.hasOwn(is, key)) return `${place}.${key}: missing`
    if (!Object.hasOwn(shouldBe, key)) return `${place}.${key}: not expected`
    const difference = differs(shouldBe[key], is[key], names, `${place}.${key}`)
    if (difference !== undefined) return difference
  }
  return undefined
}
