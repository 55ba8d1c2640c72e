import { type Document, encode } from '@nearcloud/protocol'
import { parseQuery, type Query, queryToJson } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { Dice } from './cases/dice.ts'
import { testNames } from './cases/filters.ts'
import { randomQuery } from './cases/queries.ts'
import { seeds } from './cases/seeds.ts'
import { Tally } from './cases/tally.ts'
import { Values } from './cases/values.ts'
import { type House, inHouses } from './houses.ts'
import { answer } from './oracle/project-sort.ts'

interface Case {
  readonly seed: number
  readonly documents: readonly Document[]
  readonly query: Query
}

test('[DIFF-1] 8,000 random queries: local store, server and oracle answer alike', async () => {
  const tally = new Tally()
  const differences: string[] = []
  for (const part of seeds(8_000))
    await inHouses(async houses => {
      const cases = part.map(seed => caseOf(seed, tally))
      for (const house of houses)
        await house.put(
          cases.flatMap(({ query, documents }) => documents.map(each => [query.collection, each] as const)),
        )
      for (const each of cases) differences.push(...(await differencesOf(each, houses, tally)))
    })
  expect(differences.slice(0, 3)).toEqual([])
  expect(tally.count('cases')).toBe(8_000)
  expect(tally.count('matches some')).toBeGreaterThan(2_400)
  expect(tally.below(20, [...testNames, ...otherNames])).toEqual([])
}, 180_000)

test('[DIFF-2] 200 random queries over 1,050 documents, where indexes are used: answered alike', async () => {
  const tally = new Tally()
  const differences: string[] = []
  const [part] = seeds(200)
  await inHouses(async houses => {
    const values = new Values(new Dice(part![0]!))
    const documents = Array.from({ length: 1_050 }, (_, at) => values.document(at))
    for (const house of houses) await house.put(documents.map(each => ['many', each] as const))
    for (const seed of part!) {
      const asked = randomQuery(new Values(new Dice(seed)), 'many', documents, tally)
      const query = parseQuery(queryToJson(asked))
      differences.push(...(await differencesOf({ seed, documents, query }, houses, tally)))
      tally.add(`plan ${await houses[0].plan(query)}`)
    }
  })
  expect(differences.slice(0, 1)).toEqual([])
  expect(tally.count('matches some')).toBeGreaterThan(100)
  expect(tally.below(20, ['plan scan', 'plan index'])).toEqual([])
}, 180_000)

function caseOf(seed: number, tally: Tally): Case {
  const values = new Values(new Dice(seed))
  const documents = values.documents()
  const query = randomQuery(values, `c${seed}`, documents, tally)
  return { seed, documents, query: parseQuery(queryToJson(query)) }
}

async function differencesOf(
  { seed, documents, query }: Case,
  houses: readonly House[],
  tally: Tally,
): Promise<readonly string[]> {
  const { collection, where } = query
  const total = answer({ collection, where, orderBy: [], skip: 0 }, documents).length
  tally.add('cases')
  if (total > 0 && total < documents.length) tally.add('matches some')
  const expected = encode([total, ...answer(query, documents)])
  const differences: string[] = []
  for (const house of houses) {
    const given = encode([await house.count(query), ...(await house.get(query))])
    if (given === expected) continue
    differences.push(
      [
        `seed ${seed}, ${house.name}`,
        `  query     ${JSON.stringify(queryToJson(query))}`,
        `  documents ${encode(documents)}`,
        `  expected  ${expected}`,
        `  given     ${given}`,
      ].join('\n'),
    )
  }
  return differences
}

const otherNames = [
  'filter and',
  'filter or',
  'filter nor',
  'regular expression',
  'include',
  'exclude',
  'slice',
  'project slice',
  'project elemMatch',
]
