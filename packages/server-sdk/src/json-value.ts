import { type KeysOf, normalise } from '@nearcloud/protocol'

/**
 * What JSON makes of a value: dates become text, class instances their own properties, undefined is null. Throws what
 * `JSON.stringify` throws (`onCircle()` for a cycle), and VALUE_REFUSED for keys that such a value cannot have.
 */
export function jsonValue(
  input: unknown,
  { name, keys, onCircle }: { name: string; keys: KeysOf; onCircle?: () => Error },
) {
  let text: string | undefined
  try {
    text = JSON.stringify(input)
  } catch (thrown) {
    if (onCircle && thrown instanceof TypeError && thrown.message.includes('circular')) throw onCircle()
    throw thrown
  }
  return normalise(text === undefined ? null : JSON.parse(text), { name, keys })
}
