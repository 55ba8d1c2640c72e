import { type Document, encode } from '@nearcloud/protocol'
import { parseQuery, queryToJson } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { type IndexedCase, randomIndexedCase } from './cases/indexes.ts'
import { seeds } from './cases/seeds.ts'
import { Tally } from './cases/tally.ts'
import { inHouses, now } from './houses.ts'
import { answer } from './oracle/project-sort.ts'
import { update } from './oracle/update.ts'

test('[DIFF-5] 2,000 random queries over documents that indexes follow: server and oracle answer alike', async () => {
  const tally = new Tally()
  const differences: string[] = []
  for (const part of seeds(2_000))
    await inHouses(async ([, ...servers]) => {
      const cases = part.map(seed => randomIndexedCase(seed, tally))
      for (const server of servers) {
        await server.put(
          cases.flatMap(({ collection, documents }) => documents.map(each => [collection, each] as const)),
        )
        for (const { collection, indexes } of cases)
          for (const index of indexes) await server.index(collection, index)
        await server.write(cases.flatMap(({ writes }) => writes))
        for (const each of cases) {
          const query = parseQuery(queryToJson(each.query))
          const documents = afterwards(each)
          const total = answer({ ...query, orderBy: [], skip: 0, limit: documents.length }, documents).length
          const expected = encode([total, ...answer(query, documents)])
          const given = encode([await server.count(query), ...(await server.get(query))])
          if (given !== expected) differences.push(told(each, server.name, expected, given))
          tally.add(`plan ${await server.plan(query)}`)
          tally.add('answers')
        }
      }
    })
  expect(differences.slice(0, 3)).toEqual([])
  expect(tally.count('answers')).toBe(4_000)
  expect(tally.count('plan index')).toBeGreaterThan(1_000)
}, 180_000)

function afterwards({ documents, writes }: IndexedCase): readonly Document[] {
  return writes.reduce(
    (all, { id, changes }) => all.map(each => (each._id === id ? update(each, changes, now) : each)),
    documents,
  )
}

function told(
  { seed, documents, indexes, writes, query }: IndexedCase,
  name: string,
  expected: string,
  given: string,
): string {
  return [
    `seed ${seed}, ${name}`,
    `  query     ${JSON.stringify(queryToJson(query))}`,
    `  indexes   ${JSON.stringify(indexes.map(({ keys }) => keys))}`,
    `  documents ${encode(documents)}`,
    `  writes    ${JSON.stringify(writes.map(({ id, changes }) => [id, changes]))}`,
    `  expected  ${expected}`,
    `  given     ${given}`,
  ].join('\n')
}
