import type { Operator } from '../../call.ts'
import { dateFromString } from './date-from-string.ts'
import { dateParts } from './date-parts.ts'
import { dateToString } from './date-to-string.ts'
import { partsObjects } from './parts-objects.ts'

export const dates: Readonly<Record<string, Operator>> = {
  ...dateParts,
  ...partsObjects,
  dateToString,
  dateFromString,
}
