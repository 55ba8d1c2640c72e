import { readFileSync } from 'node:fs'
import { protocolVersion } from '@nearcloud/protocol'
import { misfit } from '@nearcloud/protocol/testing'
import { expect, test } from 'vitest'
import { openHouse } from '../testing/local-house.ts'
import { replayTranscript, type TranscriptStep } from '../testing/replay-transcript.ts'

/*
 * transcripts/version-<n>.json is a conversation as a client of that version had it. It is written once and never changed:
 * clients of that version are out there.
 */
const older = Array.from({ length: protocolVersion - 1 }, (_, n) => n + 1)

test.each(older)(
  '[NEGOTIATE-6] a client of version %i is answered as it always was, in shapes it knows',
  async version => {
    const steps = readJson(`./transcripts/version-${version}.json`) as TranscriptStep[]
    const shapes = readJson(`../../../protocol/src/shapes/version-${version}.json`) as {
      up: never
      down: never
    }
    const house = await openHouse()
    house.functions.set('greet', async data => ({ hello: (data as { to: string }).to }))
    const heard = await replayTranscript(steps, () => house.connect())
    for (const message of heard) expect(misfit(shapes.down, message), JSON.stringify(message)).toBeUndefined()
    for (const step of steps)
      if ('up' in step && !['nonsense'].includes(step.up.type) && step.up.protocol !== 0)
        expect(misfit(shapes.up, step.up), JSON.stringify(step.up)).toBeUndefined()
    // everything a client of this version can say is in it
    const said = new Set(steps.flatMap(step => ('up' in step ? [step.up.type] : [])))
    const words = (shapes.up as { either: { type: { exactly: string } }[] }).either.map(
      each => each.type.exactly,
    )
    expect(words.filter(word => !said.has(word))).toEqual([])
  },
)

test('[NEGOTIATE-6] a transcript that differs anywhere is found out', async () => {
  const steps = readJson('./transcripts/version-3.json') as TranscriptStep[]
  const house = await openHouse()
  await expect(replayTranscript(steps, () => house.connect())).rejects.toThrow('step')
})

test('[NEGOTIATE-7] a version nobody speaks here is told which ones are', async () => {
  const house = await openHouse()
  for (const protocol of [0, protocolVersion + 1, 1e15]) {
    const client = house.connect()
    client.raw(
      JSON.stringify({
        type: 'hello',
        protocol,
        env: '',
        client: '0123456789abcdef0123456789abcdef',
        version: 0,
        seen: 0,
        subscriptions: [],
        clock: 0,
      }),
    )
    const bye = await client.next('bye')
    expect(bye.error).toMatchObject({
      code: 'UPGRADE_NEEDED',
      details: { oldest: 1, newest: protocolVersion },
    })
    expect(bye.retryAfterMs).toBeUndefined()
  }
})

test.each([
  ['an unknown message', { type: 'teleport', id: 1 }],
  ['an unknown field', { type: 'ping', loudly: true }],
  [
    'an unknown operator',
    {
      type: 'push',
      mutations: [
        {
          id: 1,
          nonce: 'n',
          base: 0,
          time: 0,
          writes: [{ op: 'update', collection: 'todos', id: 'x', changes: [['n', 'teleport', 1]] }],
        },
      ],
    },
  ],
])('[NEGOTIATE-8] %s is refused, not passed over, and nothing of it happens', async (_what, message) => {
  const house = await openHouse()
  const client = house.connect()
  await client.hello()
  client.raw(JSON.stringify(message))
  expect((await client.next('bye')).error.code).toBe('PROTOCOL_ERROR')
  expect(await house.documents()).toEqual([])
  const other = house.connect()
  await other.hello({ client: 'f'.repeat(32) })
})

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
}
