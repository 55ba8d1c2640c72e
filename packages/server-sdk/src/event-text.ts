import { fromJson, geoFromJson, isTag } from '@nearcloud/protocol'

/**
 * The event of a text from the server, as an object of the function's own. As `decode`, but keys may be anything: a
 * trigger's event has dotted paths for keys.
 */
export function eventFromText(text: string): unknown {
  return revive(JSON.parse(text))
}

function revive(tree: unknown): unknown {
  if (typeof tree !== 'object' || tree === null) return tree
  if (Array.isArray(tree)) return tree.map(revive)
  const [first, ...more] = Object.keys(tree)
  if (first !== undefined && more.length === 0 && isTag(first)) return fromJson(tree)
  const fields: { [key: string]: unknown } = {}
  for (const [key, value] of Object.entries(tree)) fields[key] = revive(value)
  return geoFromJson(fields) ?? fields
}
