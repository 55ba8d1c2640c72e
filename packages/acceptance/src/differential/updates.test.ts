import { type Document, encode, makeDocument, type Value, type Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { Dice } from './cases/dice.ts'
import { seeds } from './cases/seeds.ts'
import { Tally } from './cases/tally.ts'
import { randomWrites, updateOperators } from './cases/updates.ts'
import { Values } from './cases/values.ts'
import { type House, inHouses, now } from './houses.ts'
import { Refusal } from './oracle/refusal.ts'
import { update } from './oracle/update.ts'

interface Case {
  readonly seed: number
  readonly collection: string
  readonly document: Document
  readonly writes: readonly Write[]
}

function caseOf(seed: number, tally: Tally): Case {
  const values = new Values(new Dice(seed))
  const [document, collection] = [values.document(seed), `c${seed}`]
  return { seed, collection, document, writes: randomWrites(values, collection, document, tally) }
}

test('[DIFF-3] 6,000 documents under random updates: local store, server and oracle leave the same', async () => {
  const tally = new Tally()
  const differences: string[] = []
  for (const part of seeds(6_000))
    await inHouses(async houses => {
      const cases = part.map(seed => caseOf(seed, tally))
      const expected = cases.map(each => afterwards(each, tally))
      for (const house of houses) {
        const given = await resultsIn(house, cases)
        cases.forEach((each, at) => {
          if (given[at] !== expected[at]) differences.push(told(each, house.name, expected[at]!, given[at]!))
        })
      }
    })
  expect(differences.slice(0, 3)).toEqual([])
  expect(tally.count('cases')).toBe(6_000)
  expect(tally.count('changed')).toBeGreaterThan(4_000)
  expect(tally.count('refused')).toBeGreaterThan(500)
  expect(tally.below(20, otherNames)).toEqual([])
}, 180_000)

/** What the oracle says of each write, and the document after all of them. */
function afterwards({ document, writes }: Case, tally: Tally): string {
  let current = document
  const codes = writes.map(write => {
    const before = current
    try {
      if (write.op === 'set') current = makeDocument(document._id, write.data)
      if (write.op === 'update') current = update(current, write.changes, now)
      const isChanged = encode(before) !== encode(current)
      tally.add(isChanged ? 'changed' : 'unchanged')
      if (isChanged && write.op === 'update' && write.changes.length === 1)
        tally.add(`changed by ${write.changes[0]![1]}`)
      return undefined
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      tally.add('refused')
      return thrown.code
    }
  })
  tally.add('cases')
  return shown(codes, current)
}

async function resultsIn(house: House, cases: readonly Case[]): Promise<readonly string[]> {
  await house.put(cases.map(({ collection, document }) => [collection, document]))
  const codes = await house.write(cases.flatMap(({ writes }) => writes))
  let at = 0
  const results: string[] = []
  for (const { collection, writes } of cases) {
    const [document] = await house.get({ collection, where: ['and', []], orderBy: [], skip: 0 })
    results.push(shown(codes.slice(at, at + writes.length), document!))
    at += writes.length
  }
  return results
}

function shown(codes: readonly (string | undefined)[], document: Document): string {
  return `${codes.map(code => code ?? 'done').join(', ')}: ${encode(document)}`
}

function told({ seed, document, writes }: Case, name: string, expected: string, given: string): string {
  return [
    `seed ${seed}, ${name}`,
    `  document  ${encode(document)}`,
    `  writes    ${encode(writes as unknown as Value)}`,
    `  expected  ${expected}`,
    `  given     ${given}`,
  ].join('\n')
}

const otherNames = [
  ...updateOperators.map(name => `changed by ${name}`),
  'push position',
  'push sort',
  'push slice',
]
