import type { Matcher } from './tests/family.ts'

/** All of them, the first that fails ends it. Most conditions are two or three, for which no loop is needed. */
export function allOf(parts: readonly Matcher[]): Matcher {
  const [first, second, third] = parts
  if (!first) return () => true
  if (!second) return first
  if (!third) return document => first(document) && second(document)
  if (parts.length === 3) return document => first(document) && second(document) && third(document)
  return document => {
    for (const matches of parts) if (!matches(document)) return false
    return true
  }
}

export function anyOf(parts: readonly Matcher[]): Matcher {
  if (parts.length === 1) return parts[0]!
  return document => {
    for (const matches of parts) if (matches(document)) return true
    return false
  }
}
