import type { Call } from './call.ts'

/** The date so many milliseconds after 1970, cut to whole ones. */
export function dateAt(milliseconds: number, call: Call): Date {
  const date = new Date(milliseconds)
  if (Number.isNaN(date.getTime())) throw call.unfit('makes a date out of range')
  return date
}
