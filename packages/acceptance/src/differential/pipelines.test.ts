import { type Document, encode, type Value } from '@nearcloud/protocol'
import type { Aggregation, Filter, Stage } from '@nearcloud/query'
import { aggregationToJson, parseAggregation } from '@nearcloud/query/aggregate'
import { expect, test } from 'vitest'
import { operatorNames } from './cases/expression-makers.ts'
import { type PipelineCase, randomPipelineCase } from './cases/pipeline-case.ts'
import { accumulators, stageNames } from './cases/pipelines.ts'
import { seeds } from './cases/seeds.ts'
import { Tally } from './cases/tally.ts'
import { codeOf, inHouses } from './houses.ts'
import { aggregate } from './oracle/aggregate.ts'
import { areAlike } from './oracle/alike.ts'
import { compare } from './oracle/order.ts'
import { Refusal } from './oracle/refusal.ts'

test('[DIFF-4] 6,000 random pipelines: local store, server and oracle compute alike', async () => {
  const tally = new Tally()
  const differences: string[] = []
  for (const part of seeds(6_000))
    await inHouses(async houses => {
      const cases = part.map(seed => randomPipelineCase(seed, tally))
      for (const house of houses) await house.put(cases.flatMap(documentsOf))
      for (const each of cases) {
        const results = resultsOf(each)
        tallyResult(results[0]!, tally)
        const aggregation = parsed(each)
        for (const house of houses) {
          const given = await house.aggregate(aggregation).catch(codeOf)
          if (!results.some(result => areAlike(result, given, toleranceOf(each))))
            differences.push(told(each, house.name, results[0]!, given))
        }
      }
    })
  expect(differences.slice(0, 3)).toEqual([])
  expect(tally.count('cases')).toBe(6_000)
  expect(tally.count('computed')).toBeGreaterThan(3_500)
  expect(tally.count('refused')).toBeGreaterThan(200)
  const names = [...stageNames, ...operatorNames, ...accumulators.map(name => `accumulate ${name}`)]
  expect(tally.below(20, names)).toEqual([])
}, 180_000)

function documentsOf({
  seed,
  collection,
  documents,
  others,
}: PipelineCase): readonly (readonly [string, Document])[] {
  return [
    ...documents.map(each => [collection, each] as const),
    ...others.map(each => [`other${seed}`, each] as const),
  ]
}

/** What comes out, or the code it is refused with. */
type Result = readonly Value[] | string

/**
 * What the oracle computes, in the ways that are right: whether a document that a limit leaves out, or another condition
 * of the first matches, is computed (and fails) is nobody's promise.
 */
function resultsOf({ documents, others, stages }: PipelineCase): readonly Result[] {
  const [first, second] = [documents, others].map(each => [...each].sort((a, b) => compare(a._id, b._id)))
  const compute = (inOrder: readonly Stage[], isEager: boolean): Result => {
    try {
      return aggregate(inOrder, first!, { documents: () => second!, isEager })
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.code
      throw thrown
    }
  }
  return [compute(stages, false), compute(stages, true), compute(expressionsLast(stages), false)]
}

/** With the conditions of the leading matches in another order. */
function expressionsLast(stages: readonly Stage[]): readonly Stage[] {
  const end = stages.findIndex(([name]) => name !== 'match')
  const leading = end < 0 ? stages : stages.slice(0, end)
  const clauses = leading.flatMap(stage => (stage[0] === 'match' ? partsOf(stage[1]) : []))
  const [plain, computing] = [false, true].map(wish =>
    clauses.filter(clause => JSON.stringify(clause).includes('"expr"') === wish),
  )
  const matches = [...plain!, ...computing!].map((clause): Stage => ['match', clause])
  return [...matches, ...stages.slice(leading.length)]
}

function partsOf(filter: Filter): readonly Filter[] {
  return filter[0] === 'and' ? filter[1].flatMap(partsOf) : [filter]
}

/** Deviations of numbers that differ little from each other lose digits, one way or another. */
function toleranceOf({ stages }: PipelineCase): number {
  return JSON.stringify(stages).includes('"stdDev') ? 1e-3 : 1e-9
}

/** As it arrives over a wire. */
function parsed({ collection, stages }: PipelineCase): Aggregation {
  return parseAggregation(aggregationToJson({ collection, stages }))
}

function tallyResult(result: Result, tally: Tally): void {
  tally.add('cases')
  tally.add(typeof result === 'string' ? 'refused' : result.length > 0 ? 'computed' : 'empty')
}

function told(
  { seed, documents, others, ...each }: PipelineCase,
  name: string,
  expected: Result,
  given: Result,
): string {
  return [
    `seed ${seed}, ${name}`,
    `  stages    ${JSON.stringify(aggregationToJson(each))}`,
    `  documents ${encode(documents)}`,
    `  others    ${encode(others)}`,
    `  expected  ${encode(expected)}`,
    `  given     ${encode(given)}`,
  ].join('\n')
}
