import { isPlainObject, type Json } from '@nearcloud/protocol'

/** `templateId` as WeChat has it: `template_id`. What is in a message's `data` has names of the developer's own. */
export function toSnakeKeys(value: Json): Json {
  return withKeys(value, name => name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`), 'data')
}

/** `expire_time` as the original's SDK has it: `expireTime`. */
export function toCamelKeys(value: Json): Json {
  return withKeys(value, name => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
}

function withKeys(value: Json, rename: (name: string) => string, asItIs?: string): Json {
  if (Array.isArray(value)) return value.map(each => withKeys(each, rename, asItIs))
  if (!isPlainObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      rename(name),
      name === asItIs ? each : withKeys(each as Json, rename, asItIs),
    ]),
  )
}
