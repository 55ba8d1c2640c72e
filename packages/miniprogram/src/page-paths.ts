/** A document as pages have it. */
type Fields = { readonly [key: string]: unknown }

/**
 * What `setData` has to be told so that a list that was `before` is `after`: paths of changed fields and new elements, or all of it
 * where that says less. `touched` holds the ids of documents that may have changed; the others are known to be the same.
 */
export function pathsBetween(
  name: string,
  before: readonly object[] | undefined,
  after: readonly object[],
  touched: ReadonlySet<unknown>,
): Record<string, unknown> {
  const whole = { [name]: after }
  // no path makes a list shorter
  if (!before || after.length < before.length) return whole
  const paths: Record<string, unknown> = {}
  let replaced = 0
  for (let at = 0; at < after.length; at++) {
    const was = before[at] as Fields | undefined
    const is = after[at] as Fields
    const path = `${name}[${at}]`
    if (!was || was._id !== is._id) {
      paths[path] = is
      replaced++
    } else if (touched.has(is._id) && !addFields(paths, path, was, is)) {
      paths[path] = is
      replaced++
    }
  }
  return replaced > Math.max(mostReplaced, after.length / 2) ? whole : paths
}

/** False when the difference has no paths: a field is gone, or has a name that is none for `setData`. */
function addFields(paths: Record<string, unknown>, path: string, was: Fields, is: Fields): boolean {
  const own = Object.keys(is)
  if (Object.keys(was).some(key => !own.includes(key))) return false
  const found: Record<string, unknown> = {}
  for (const key of own) {
    const [before, after] = [was[key], is[key]]
    if (isSame(before, after)) continue
    if (!keyForm.test(key)) return false
    const inner = `${path}.${key}`
    if (!(isFields(before) && isFields(after) && addFields(found, inner, before, after))) found[inner] = after
  }
  Object.assign(paths, found)
  return true
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, at) => isSame(each, b[at]))
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (!isFields(a) || !isFields(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => key in b && isSame(a[key], b[key]))
}

function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** Neither a separator of paths nor an escape. */
const keyForm = /^[^.[\]\\]+$/
const mostReplaced = 2
