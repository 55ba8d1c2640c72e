import {
  type Document,
  type PathChange,
  ServerDate,
  type UpdateOperator,
  type Value,
} from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyWrite } from './apply.ts'
import { checkWrite } from './check-write.ts'
import { Replay } from './replay.ts'

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom<Value>('', 'x', null, true, -0, [], [1, 2], [{ a: 1 }], { a: 1 }, { a: { b: [0] } }),
  fc.constantFrom<Value>(new ServerDate(5), { type: 'Point', coordinates: [1, 2] }),
)

const operatorsAndArguments: fc.Arbitrary<readonly [UpdateOperator, Value]> = fc.oneof(
  fc.tuple(fc.constantFrom('set', 'min', 'max'), value),
  fc.tuple(fc.constantFrom('inc', 'mul'), fc.integer({ min: -2, max: 2 })),
  fc.tuple(fc.constantFrom('remove', 'pop', 'shift'), fc.constant(null)),
  fc.tuple(fc.constant('rename'), fc.constantFrom('a', 'e')),
  fc.tuple(fc.constant('push'), fc.constant({ each: [7] })),
  fc.tuple(fc.constant('addToSet'), fc.constant([1])),
  fc.tuple(fc.constant('pullAll'), fc.constant([1, 7])),
)

const change: fc.Arbitrary<PathChange> = fc
  .tuple(fc.constantFrom('a', 'b', 'c', 'd', 'toString', 'a.b', 'b.0'), operatorsAndArguments)
  .map(([path, [operator, argument]]) => [path, operator, argument])

const changes = fc
  .array(change, { minLength: 1, maxLength: 3 })
  .filter(list => isChecked(() => checkWrite({ op: 'update', collection: 'c', id: 'x', changes: list })))

test('[UPDATE-23] updates laid over a document one after the other make what each of them makes of it', () => {
  let [laid, thrown] = [0, 0]
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), value),
      fc.array(changes, { maxLength: 8 }),
      (data, all) => {
        const document = Object.freeze({ _id: 'x', ...data }) as Document
        let plain = document
        let replay = new Replay(document)
        for (const [now, each] of all.entries()) {
          const expected = outcomeOf(() => slowly(plain, each, now))
          const isDone = outcomeOf(() => replay.update(each, now))
          if (isDone.value === false) replay = new Replay(expected.value ?? replay.finish())
          else expect(isDone.words).toBe(expected.words)
          if (isDone.value) laid++
          if (isDone.words !== undefined) thrown++
          plain = expected.value ?? plain
        }
        const finished = replay.finish()
        expect(Object.isFrozen(finished)).toBe(true)
        expect(finished).toStrictEqual(plain)
        expect(Object.keys(finished)).toEqual(Object.keys(plain))
      },
    ),
    { numRuns: 2_000 },
  )
  expect(laid).toBeGreaterThan(1_000)
  expect(thrown).toBeGreaterThan(100)
})

test('[UPDATE-23] of an update that does not fit nothing happens, also where its first change would', () => {
  const document = Object.freeze({ _id: 'x', a: 1, b: 'text' })
  const replay = new Replay(document)
  const both: PathChange[] = [
    ['a', 'set', 2],
    ['b', 'inc', 1],
  ]
  expect(() => replay.update(both, 0)).toThrow(/_id: x/)
  expect(replay.finish()).toBe(document)
})

function slowly(doc: Document, each: readonly PathChange[], now: number): Document {
  const context = { base: Number.POSITIVE_INFINITY, version: 1, time: now, now }
  const write = { op: 'update', collection: 'c', id: 'x', changes: each } as const
  return applyWrite({ doc, stamps: {} }, write, context).after!.doc
}

function outcomeOf<T>(work: () => T): { readonly value?: T; readonly words?: string } {
  try {
    return { value: work() }
  } catch (thrown) {
    return { words: (thrown as Error).message }
  }
}

function isChecked(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
