import { text } from './i18n.ts'

/** The window this is: `?window=1` is one person's, `?window=2` another's, and any other name is a person too. */
export const me = personOf(new URLSearchParams(location.search).get('window'))

/** A name that is safe in the store's name and short enough for a badge. */
function personOf(asked: string | null): string {
  const name = (asked ?? '').replace(/[^\p{L}\p{N}_-]/gu, '').slice(0, 20)
  return name === '' ? '1' : name
}

/** A store's name may hold letters, digits, `-` and `_` only. */
export function storeName(person: string): string {
  return `todo-${[...person].map(letter => (/[\w-]/.test(letter) ? letter : `_${letter.codePointAt(0)}_`)).join('')}`
}

/** Someone whose window can be opened beside this one. */
export function anotherPerson(): string {
  return me === '2' ? '1' : '2'
}

export function displayName(person: string): string {
  return text.people[person] ?? person
}

export function initialOf(person: string): string {
  return [...displayName(person)][0] ?? '?'
}

/** A person's place on the colour wheel, in degrees; the same in every window. */
export function hueOf(person: string): number {
  const known = hues[person]
  if (known !== undefined) return known
  let sum = 0
  for (const letter of person) sum = (sum * 31 + letter.codePointAt(0)!) % 360
  return sum
}

const hues: Readonly<Record<string, number>> = { 1: 268, 2: 340, 3: 155, 4: 60 }
