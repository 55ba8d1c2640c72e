import * as Y from 'yjs'
import type { AnyType } from '../replica.ts'
import type { Part } from './inspection.ts'

/**
 * How many steps Yjs will take to find the place of a part among edits made apart, at most `most + 1`.
 *
 * It is the walk that Yjs does when it integrates the part, with the same ends, and none of its effects. An honest editor
 * puts a part between neighbours, so only what others put there meanwhile lies on the way; one that says it stands between
 * the beginning and the end makes every part walk past everything, which is quadratic.
 */
export function stepsToPlace(doc: Y.Doc, part: Part, most: number): number {
  if (!part.isItem) return 0
  const { store } = doc
  const left = part.originClock < 0 ? null : itemAt(store, part.originClient, part.originClock)
  const right = part.rightClock < 0 ? null : itemAt(store, part.rightClient, part.rightClock)
  // beside something collected it is collected itself
  if (left === undefined || right === undefined) return 0
  if (left !== null && left === right) return 1
  const passed = new Set<Y.Item>()
  let steps = 0
  let at = left !== null ? left.right : firstOf(doc, part, right)
  if (left !== null && left.id.clock + left.length - 1 > part.originClock) {
    // the other half of the item is the first on the way
    passed.add(left)
    steps = 1
  }
  while (at !== null && at !== right && steps <= most) {
    steps++
    passed.add(at)
    if (sameOrigin(at, part)) {
      if (at.id.client >= part.client && sameRight(at, part)) break
    } else {
      const origin = at.origin === null ? undefined : itemAt(store, at.origin.client, at.origin.clock)
      if (origin === undefined || !passed.has(origin)) break
    }
    at = at.right
  }
  return steps
}

/** The leftmost of those among whom a part without a left neighbour looks for its place. */
function firstOf(doc: Y.Doc, part: Part, right: Y.Item | null): Y.Item | null {
  const parent = right === null ? parentOf(doc, part) : (right.parent as AnyType | null)
  if (parent === null || parent === undefined) return null
  const key = right === null ? part.key : (right.parentSub ?? undefined)
  if (key === undefined) return parent._start
  let item = parent._map.get(key) ?? null
  while (item !== null && item.left !== null) item = item.left
  return item
}

function parentOf(doc: Y.Doc, part: Part): AnyType | undefined {
  if (part.root !== undefined) return doc.share.get(part.root)
  const item = itemAt(doc.store, part.parentClient, part.parentClock)
  return item?.content instanceof Y.ContentType ? item.content.type : undefined
}

/** The item that holds a clock; undefined when it is not known, or collected. */
function itemAt(store: Y.Doc['store'], client: number, clock: number): Y.Item | undefined {
  const structs = store.clients.get(client)
  if (structs === undefined || clock >= Y.getState(store, client)) return undefined
  const struct = structs[Y.findIndexSS(structs, clock)]
  return struct instanceof Y.Item ? struct : undefined
}

function sameOrigin({ origin }: Y.Item, part: Part): boolean {
  if (origin === null) return part.originClock < 0
  return origin.clock === part.originClock && origin.client === part.originClient
}

function sameRight({ rightOrigin }: Y.Item, part: Part): boolean {
  if (rightOrigin === null) return part.rightClock < 0
  return rightOrigin.clock === part.rightClock && rightOrigin.client === part.rightClient
}
