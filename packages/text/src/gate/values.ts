import { CloudError, isForbiddenKey, parseJson } from '@nearcloud/protocol'
import type { TextLimits } from '../limits.ts'
import { type Reader, stop } from './reader.ts'

/** A name of an attribute, a format or an element: none that reaches a prototype. */
export function readName(reader: Reader, limits: TextLimits): string {
  const name = reader.text(limits.nameBytes, 'a name')
  if (isForbiddenKey(name)) stop('content', 'a name that reaches a prototype')
  return name
}

/** Passes over one value of lib0's "any" encoding. */
export function skipAny(reader: Reader, limits: TextLimits, depth = 0): void {
  if (depth > limits.depth) stop('content', `a value nests more than ${limits.depth} levels`)
  switch (reader.byte()) {
    case 127: // undefined
    case 126: // null
    case 121: // false
    case 120: // true
      return
    case 125:
      reader.skipInt()
      return
    case 124:
      reader.skip(4)
      return
    case 123:
      reader.skip(8)
      return
    case 122:
      stop('content', 'a BigInt')
      break
    case 119:
      reader.skipText()
      return
    case 118: {
      const fields = reader.uint()
      if (fields > limits.keys) stop('limit', `an object has more than ${limits.keys} fields`)
      for (let field = 0; field < fields; field++) {
        readName(reader, limits)
        skipAny(reader, limits, depth + 1)
      }
      return
    }
    case 117: {
      const items = reader.uint()
      if (items > reader.left) stop('malformed', 'it ends too early')
      for (let item = 0; item < items; item++) skipAny(reader, limits, depth + 1)
      return
    }
    case 116:
      reader.skip(reader.uint())
      return
    default:
      stop('malformed', 'a value of no known kind')
  }
}

/** Passes over one value written as JSON text. */
export function skipJson(reader: Reader, limits: TextLimits): void {
  const text = reader.text(limits.updateBytes, 'a value')
  try {
    parseJson(text, limits.depth)
  } catch (thrown) {
    if (!(thrown instanceof CloudError)) throw thrown
    stop('content', `a value that is ${thrown.errMsg}`)
  }
}
