import type { DocumentData, Value } from '@nearcloud/protocol'
import { fieldOf, indexOf, isContainer } from '../../../paths.ts'

/** What a path reaches through arrays, by index too; an array at its end is its elements. null for nothing. */
export function valuesAt(document: DocumentData, segments: readonly string[]): readonly Value[] {
  const values: Value[] = []
  visit(document, segments, 0, values)
  return values.length > 0 ? values : [null]
}

function visit(value: Value, segments: readonly string[], at: number, values: Value[]): void {
  if (at === segments.length) {
    if (Array.isArray(value)) for (const element of value as readonly Value[]) values.push(element)
    else values.push(value)
    return
  }
  const segment = segments[at]!
  if (!Array.isArray(value)) {
    const field = fieldOf(value, segment)
    if (field !== undefined) visit(field, segments, at + 1, values)
    return
  }
  const index = indexOf(segment)
  const elements = value as readonly Value[]
  for (let i = 0; i < elements.length; i++) {
    if (isContainer(elements[i])) visit(elements[i]!, segments, at, values)
    if (i === index) visit(elements[i]!, segments, at + 1, values)
  }
}
