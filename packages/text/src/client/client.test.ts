import { expect, test } from 'vitest'
import { TextReplica, textRuntime } from './text-runtime.ts'

const open = (clientId: number) => new TextReplica([textRuntime.beginningOf('hello')], clientId)

test('[TEXTFIELD-20] a text begins with the same bytes wherever it begins, and nobody writes under their name', () => {
  expect(textRuntime.beginningOf('hello 🌍')).toEqual(textRuntime.beginningOf('hello 🌍'))
  expect(new TextReplica([textRuntime.beginningOf('hello 🌍')], 5).plain).toBe('hello 🌍')
  const [one, other] = [open(1), open(2)]
  one.onEdit(update => other.apply(update))
  other.onEdit(update => one.apply(update))
  one.ytext.insert(5, '!')
  other.ytext.insert(0, '>')
  expect([one.plain, other.plain, one.hash]).toEqual(['>hello!', '>hello!', other.hash])
})

test('[TEXTFIELD-20] what is told of edits is what was made here, also by a rewrite', () => {
  const [one, other] = [open(1), open(2)]
  const edits: Uint8Array[] = []
  const stop = one.onEdit(update => edits.push(update))
  one.apply(other.state())
  expect(edits).toHaveLength(0)
  one.replaceAll('hallo you')
  expect(edits).toHaveLength(1)
  other.apply(edits[0]!)
  expect(other.plain).toBe('hallo you')
  stop()
  one.ytext.insert(0, 'x')
  expect(edits).toHaveLength(1)
})

test('[TEXTFIELD-20] many edits are one compact state, with what they stand on or without', () => {
  const one = open(1)
  const edits: Uint8Array[] = [textRuntime.beginningOf('hello')]
  one.onEdit(update => edits.push(update))
  for (let n = 0; n < 200; n++) {
    one.ytext.insert(5, 'long words that go again')
    one.ytext.delete(5, 24)
  }
  const compact = textRuntime.compact(edits)
  expect(compact.length).toBeLessThan(textRuntime.merge(edits).length / 10)
  expect(new TextReplica([compact], 9).hash).toBe(one.hash)
  expect(textRuntime.vectorOf([compact])).toEqual(one.vector())
})

test('[PRESENCE-7] others have the cursor of who used its client id first, and nobody has one’s own', () => {
  const one = open(1)
  const { awareness } = one
  const said: unknown[] = []
  const stop = awareness.onState(state => said.push(state))
  awareness.object.setLocalState({ name: 'me' })
  expect(said).toEqual([null, { client: 1, state: { name: 'me' } }])
  const known = () => Object.fromEntries([...awareness.object.getStates()].filter(([client]) => client !== 1))
  const bob = { peer: 'b', state: { client: 2, state: { name: 'Bob' } } }
  awareness.setOthers([bob])
  awareness.setOthers([
    bob,
    { peer: 'm', state: { client: 2, state: { name: 'not Bob' } } },
    { peer: 'm', state: { client: 1, state: { name: 'not me' } } },
    ...[
      'text',
      null,
      7,
      {},
      { client: 'x' },
      { client: -1, state: {} },
      { client: 2 ** 40, state: {} },
      { client: 3 },
    ].map(state => ({ peer: 'x', state })),
  ])
  expect(known()).toEqual({ 2: { name: 'Bob' } })
  expect(awareness.object.getLocalState()).toEqual({ name: 'me' })
  awareness.setOthers([{ peer: 'm', state: { client: 2, state: { name: 'not Bob' } } }])
  awareness.setOthers([{ peer: 'm', state: { client: 2, state: { name: 'late' } } }])
  expect(known()).toEqual({ 2: { name: 'late' } })
  awareness.setOthers([])
  expect(known()).toEqual({})
  stop()
  one.close()
})

test('[PRESENCE-7] others stay for as long as they are told of, however long they say nothing new', () => {
  const one = open(1)
  const { awareness } = one
  awareness.object.setLocalState({ name: 'me' })
  awareness.setOthers([{ peer: 'b', state: { client: 2, state: { name: 'Bob' } } }])
  const before = awareness.object.meta.get(2)!.clock
  awareness.object.setLocalState({ name: 'me' }) // as it does every quarter of a minute
  expect(awareness.object.meta.get(2)!.clock).toBeGreaterThan(before)
  one.close()
})
