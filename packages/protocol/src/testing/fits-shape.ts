import type { Json } from '../parse-json.ts'

/** Why `value` has not a shape of `shapes/version-<n>.json`: where, and what; undefined when it has. */
export function misfit(shape: Json, value: unknown, place = ''): string | undefined {
  const no = (words: string) => `${place || 'the message'}: ${words}`
  if (typeof shape === 'string') {
    if (shape === 'unknown') return undefined
    if (shape === 'custom') return isObject(value) ? undefined : no('not an object')
    if (shape === 'null') return value === null ? undefined : no('not null')
    const kind: string = typeof value
    return kind === shape ? undefined : no(`not a ${shape}`)
  }
  if (!isObject(shape)) throw new Error(`a shape nobody knows: ${JSON.stringify(shape)}`)
  if ('exactly' in shape && Object.keys(shape).length === 1)
    return value === shape.exactly ? undefined : no(`not ${JSON.stringify(shape.exactly)}`)
  if (isOneKey(shape, 'oneOf'))
    return (shape.oneOf as Json[]).includes(value as Json) ? undefined : no('not one of the words')
  if (isOneKey(shape, 'optional'))
    return value === undefined ? undefined : misfit(shape.optional as Json, value, place)
  if (isOneKey(shape, 'list')) {
    if (!Array.isArray(value)) return no('not a list')
    return first(value, (each, n) => misfit(shape.list as Json, each, `${place}[${n}]`))
  }
  if (isOneKey(shape, 'record')) {
    if (!isObject(value)) return no('not an object')
    return first(Object.entries(value), ([key, each]) =>
      misfit(shape.record as Json, each, `${place}.${key}`),
    )
  }
  if (isOneKey(shape, 'tuple')) {
    const parts = shape.tuple as Json[]
    if (!Array.isArray(value) || value.length !== parts.length) return no(`not ${parts.length} things`)
    return first(parts, (part, n) => misfit(part, value[n], `${place}[${n}]`))
  }
  if ('is' in shape && 'and' in shape) return misfit(shape.is as Json, value, place)
  if ('either' in shape) {
    const key = shape.by as string | undefined
    const choices = shape.either as Json[]
    if (key !== undefined) {
      const named = choices.filter(
        choice => misfit((choice as Tree)[key]!, (value as Tree | null)?.[key]) === undefined,
      )
      if (named.length === 0)
        return no(`no ${key} of this version: ${JSON.stringify((value as Tree | null)?.[key])}`)
      return misfit(named[0]!, value, place)
    }
    const reasons = choices.map(choice => misfit(choice, value, place))
    return reasons.includes(undefined) ? undefined : reasons[0]
  }
  if (!isObject(value)) return no('not an object')
  const surplus = Object.keys(value).find(key => !(key in shape))
  if (surplus !== undefined) return no(`"${surplus}" is not known in this version`)
  return first(Object.entries(shape), ([key, part]) => misfit(part as Json, value[key], `${place}.${key}`))
}

type Tree = { readonly [key: string]: Json }

function isObject(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOneKey(shape: Tree, key: string): boolean {
  return key in shape && Object.keys(shape).length === 1
}

function first<T>(list: readonly T[], look: (each: T, n: number) => string | undefined): string | undefined {
  for (const [n, each] of list.entries()) {
    const found = look(each, n)
    if (found !== undefined) return found
  }
  return undefined
}
