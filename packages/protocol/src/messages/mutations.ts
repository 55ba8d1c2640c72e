import * as v from 'valibot'
import { limits } from '../limits.ts'
import { elementNames, type UpdateOperator } from '../mutation.ts'
import { base64Length, count, id, record, textId, tree } from './parts.ts'

export const operators: readonly [UpdateOperator, ...UpdateOperator[]] = [
  ...(['set', 'remove', 'rename', 'inc', 'mul', 'min', 'max', 'bit'] as const),
  ...(['push', 'addToSet', 'pop', 'shift', 'pull', 'pullAll'] as const),
]

/** Which element an index in the path meant. Since version 3. */
const guardSchema = v.strictTuple([
  count,
  v.picklist(['', ...elementNames]),
  v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  count,
])

const changeSchema = v.union([
  v.strictTuple([v.string(), v.picklist(operators), tree]),
  v.strictTuple([
    v.string(),
    v.picklist(operators),
    tree,
    v.pipe(v.array(guardSchema), v.minLength(1), v.maxLength(limits.pathGuards)),
  ]),
])

const writeSchema = v.variant('op', [
  v.strictObject({ op: v.literal('add'), collection: v.string(), id, data: tree }),
  v.strictObject({ op: v.literal('set'), collection: v.string(), id, data: tree }),
  v.strictObject({
    op: v.literal('update'),
    collection: v.string(),
    id,
    changes: v.array(changeSchema),
  }),
  v.strictObject({ op: v.literal('remove'), collection: v.string(), id }),
  /** An edit of a text field. Since version 4. */
  v.strictObject({
    op: v.literal('text'),
    collection: v.string(),
    id,
    path: v.string(),
    text: textId,
    update: v.pipe(v.string(), v.maxLength(base64Length(limits.textUpdateBytes))),
  }),
])

export const mutationSchema = v.strictObject({
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  nonce: v.pipe(v.string(), v.maxLength(64)),
  base: count,
  time: v.number(),
  writes: v.pipe(v.array(writeSchema), v.minLength(1), v.maxLength(limits.batchWrites)),
})

export const outcomeSchema = v.variant('status', [
  v.strictObject({
    id: count,
    status: v.literal('accepted'),
    version: count,
    superseded: v.optional(v.array(v.string())),
  }),
  v.strictObject({
    id: count,
    status: v.literal('rejected'),
    code: v.string(),
    reason: v.string(),
    details: v.optional(record),
  }),
])

export type MutationJson = v.InferOutput<typeof mutationSchema>
export type OutcomeJson = v.InferOutput<typeof outcomeSchema>
