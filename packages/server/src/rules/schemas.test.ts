import type { Document, Write } from '@nearcloud/protocol'
import { RegExpValue } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import { admin, alice, openWorld } from '../testing/scenario.ts'
import { createJudge } from './create-judge.ts'
import { parseRules } from './rules-file.ts'
import { compileSchema } from './schemas.ts'

const schema = {
  type: 'object',
  required: ['title'],
  properties: {
    _id: true,
    _openid: true,
    title: { type: 'string', maxLength: 5 },
    due: { $ref: 'nearcloud:date' },
    tags: { type: 'array', items: { enum: ['a', 'b'] } },
    place: { type: 'object', properties: { zip: { pattern: '^[0-9]+$' } } },
  },
  additionalProperties: false,
}

function worldBy(schemas: object, database: object = { todos: { read: true, write: true } }) {
  const text = JSON.stringify({ database, schemas })
  return openWorld(
    undefined,
    createJudge(parseRules(text, 'rules.json'), () => 0),
  )
}

const add = (data: object, id = 'x'): Write => ({ op: 'add', collection: 'todos', id, data: data as never })

test('[SCHEMA-1] a write that leaves a document unlike its schema is refused, with the path and the keyword', async () => {
  const { environment, documents } = worldBy({ todos: schema })
  const write = async (asked: Write, actor: Actor = alice) =>
    (await environment.commit({ actor, writes: [asked] })).outcome
  expect(await write(add({ title: 'ok', due: new Date(5), tags: ['a'] }))).toMatchObject({
    status: 'accepted',
  })
  for (const [data, path, keyword] of [
    [{}, 'title', 'required'],
    [{ title: 7 }, 'title', 'type'],
    [{ title: 'too long' }, 'title', 'maxLength'],
    [{ title: 'x', due: 5 }, 'due', 'type'],
    [{ title: 'x', due: new RegExpValue('a', '') }, 'due', 'required'],
    [{ title: 'x', tags: ['a', 'c'] }, 'tags.1', 'enum'],
    [{ title: 'x', place: { zip: 'a' } }, 'place.zip', 'pattern'],
    [{ title: 'x', more: 1 }, '', 'additionalProperties'],
  ] as const) {
    const outcome = await write(add(data, 'y'))
    expect(outcome, JSON.stringify(data)).toMatchObject({
      status: 'rejected',
      code: 'DATABASE_REQUEST_FAILED',
      details: { reason: 'schema', collection: 'todos', id: 'y', keyword },
    })
    if (path !== 'due') expect((outcome as { details?: object }).details).toMatchObject({ path })
  }
  // the merged document is judged, however it came about
  expect(
    await write({
      op: 'update',
      collection: 'todos',
      id: 'x',
      changes: [['tags', 'push', { each: ['z'] }]],
    }),
  ).toMatchObject({ status: 'rejected', details: { path: 'tags.1' } })
  expect((await documents()).map(({ _id }) => _id)).toEqual(['x'])
})

test('[SCHEMA-2] it binds functions too, and not the operator; who has no right is told of the right alone', async () => {
  const { environment } = worldBy({ todos: schema }, { todos: { read: true, create: 'false', update: true } })
  const write = async (actor: Actor, asked: Write) =>
    (await environment.commit({ actor, writes: [asked] })).outcome
  const aFunction: Actor = { kind: 'function', name: 'f', depth: 0 }
  expect(await write(aFunction, add({ title: 7 }))).toMatchObject({ code: 'DATABASE_REQUEST_FAILED' })
  expect(await write(alice, add({ title: 7 }))).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(await write(admin, add({ title: 7 }))).toMatchObject({ status: 'accepted' })
})

test('[SCHEMA-3] a document that was unlike it before may be changed, and be mended, but no other is made so', async () => {
  const { environment } = worldBy({ todos: schema })
  const update = async (title: unknown) =>
    (
      await environment.commit({
        actor: alice,
        writes: [{ op: 'update', collection: 'todos', id: 'x', changes: [['title', 'set', title as never]] }],
      })
    ).outcome.status
  await environment.commit({ actor: admin, writes: [add({ title: 7 })] })
  expect(await update(8)).toBe('accepted')
  expect(await update('ok')).toBe('accepted')
  expect(await update(8)).toBe('rejected')
})

test('[SCHEMA-4] what is no schema, and what may take too long, is refused when the file is read', () => {
  const refused = (one: unknown) => () =>
    parseRules(JSON.stringify({ schemas: { todos: one } }), 'rules.json')
  for (const [one, words] of [
    [true, /schemas.todos: is no schema: must be an object/],
    [{ type: 'text' }, /schemas.todos: is no schema/],
    [{ tpye: 'string' }, /tpye/],
    [{ properties: { a: { pattern: '(' } } }, /is no schema/],
    [{ properties: { a: { pattern: '(a)\\1' } } }, /is no schema/],
    [{ properties: { a: { format: 'hostname' } } }, /hostname/],
    [{ $ref: 'https://example.com/other.json' }, /example.com/],
    [{ properties: { a: { uniqueItems: true } } }, /properties.a: "uniqueItems" needs a "maxItems"/],
    [{ $async: true }, /no "\$async"/],
  ] as const)
    expect(refused(one), JSON.stringify(one)).toThrow(words)
  expect(refused({ properties: { a: { uniqueItems: true, maxItems: 10 } } })).not.toThrow()
  expect(() => parseRules('{"schemas":{"_files":{}}}', 'rules.json')).toThrow(/schemas\._files/)
})

test('[SCHEMA-5] a pattern takes linear time, and formats are known', () => {
  const check = compileSchema({
    properties: {
      a: { pattern: '^(a+)+$' },
      b: { format: 'date-time' },
      c: { format: 'email' },
      d: { $ref: 'nearcloud:binary' },
    },
  })
  const ofDocument = (fields: object) => check({ _id: 'x', ...fields } as Document)?.path
  expect(ofDocument({ a: `${'a'.repeat(50_000)}!` })).toBe('a')
  expect(ofDocument({ a: 'aaa', b: '2026-01-31T10:00:00Z', c: 'a@b.example', d: new Uint8Array(2) })).toBe(
    undefined,
  )
  expect(ofDocument({ b: '2026-13-31T10:00:00Z' })).toBe('b')
  expect(ofDocument({ c: 'a b@c' })).toBe('c')
})
