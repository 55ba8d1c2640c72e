import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { errorNumbers } from '@nearcloud/protocol'
import { expect, test } from 'vitest'

/*
 * `SPEC.md` pages hold numbered rules, tests carry the numbers: each is one rule's alone in the whole repository, so that
 * whoever reads a title finds the rule, and whoever reads a rule finds what shows it.
 */
const root = resolve(import.meta.dirname, '../../..')
const files = ['packages', 'examples'].flatMap(folder => filesIn(join(root, folder)))
const rules = files.filter(path => path.endsWith('/SPEC.md')).flatMap(rulesIn)
const cited = files.filter(path => /(\.test|suite)\.ts$/.test(path)).flatMap(citedIn)

test('[SPEC-1] a rule has a number of its own', () => {
  const places = new Map<string, string[]>()
  for (const { number, path } of rules) places.set(number, [...(places.get(number) ?? []), path])
  expect([...places].filter(([, paths]) => paths.length > 1)).toEqual([])
})

test('[SPEC-2] every rule stands in the title of a test', () => {
  const shown = new Set(cited.map(({ number }) => number))
  expect(rules.filter(({ number }) => !shown.has(number))).toEqual([])
})

test('[SPEC-3] a number in the title of a test is a rule’s', () => {
  const known = new Set(rules.map(({ number }) => number))
  expect(cited.filter(({ number }) => !known.has(number))).toEqual([])
})

test('[SPEC-4] every code that an error can have is asked for by a test', () => {
  const texts = files.filter(path => /(\.test|suite)\.ts$/.test(path)).map(path => readFileSync(path, 'utf8'))
  const isAsked = (code: string) => texts.some(text => new RegExp(`\\b${code}\\b`).test(text))
  // the original has it; here a collection is there when it is named
  const isGiven = (code: string) => code !== 'DATABASE_COLLECTION_NOT_EXIST'
  expect(Object.keys(errorNumbers).filter(code => isGiven(code) && !isAsked(code))).toEqual([])
})

interface Named {
  readonly number: string
  readonly path: string
}

/** `**PUSH-4** …` where a line or an item of a list begins, or `**PUSH-1 … PUSH-4** …` for several at once. */
function rulesIn(path: string): Named[] {
  const found = readFileSync(path, 'utf8').matchAll(/^(?:- )?\*\*([A-Z]+)-(\d+)(?: … \1-(\d+))?\*\*/gm)
  return [...found].flatMap(([, word, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => ({
      number: `${word}-${Number(first) + at}`,
      path: relative(root, path),
    })),
  )
}

/** `'[PUSH-4] …'`, and `'[PUSH-4] [PUSH-5] …'` for a test that shows both. */
function citedIn(path: string): Named[] {
  const titles = readFileSync(path, 'utf8').matchAll(/['"`]((?:\[[A-Z]+-\d+\],? ?)+)/g)
  return [...titles].flatMap(([, numbers]) =>
    [...numbers!.matchAll(/[A-Z]+-\d+/g)].map(([number]) => ({ number, path: relative(root, path) })),
  )
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesIn(path) : [path]
  })
}
