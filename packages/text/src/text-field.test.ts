import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { Writer } from './gate/writer.ts'
import {
  type Applied,
  isRefusal,
  openTextDoc,
  type Refusal,
  TextField,
  type TextFieldOptions,
  textHash,
} from './index.ts'
import { Dice, HonestEditor, mine, placeIn, richHabits, textHabits, written } from './testing/index.ts'

const options: TextFieldOptions = { clock: { now: () => 0 }, serverId: 1 }

/** A client of a field: a document, and what it makes. */
function editorOf(field: TextField, clientId: number): { doc: Y.Doc; text: Y.Text; made: Uint8Array[] } {
  const doc = openTextDoc({ updates: [field.state()], clientId })
  const made: Uint8Array[] = []
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'heard') made.push(update)
  })
  return { doc, text: doc.getText(field.root ?? 'text'), made }
}

function applied(result: Applied | Refusal): Uint8Array | undefined {
  if (isRefusal(result)) throw new Error(`refused: ${result.reason}`)
  return result.emitted
}

function has(bytes: Uint8Array | undefined, words: string): boolean {
  return bytes !== undefined && Buffer.from(bytes).includes(words)
}

test('[YTEXT-1] an edit of a client is in the text, in the state and in what others get', () => {
  const field = TextField.fromPlain('tea', options)
  const ann = editorOf(field, 11)
  const bob = editorOf(field, 12)
  ann.text.insert(3, ' for two')
  const emitted = applied(field.apply(ann.made[0]!, 'ann'))!
  field.keep()
  expect(field.plain).toBe('tea for two')
  Y.applyUpdate(bob.doc, emitted)
  expect(bob.text.toString()).toBe('tea for two')
  expect(TextField.open(field.state(), options).plain).toBe('tea for two')
  expect(new Set([field.hash, textHash(ann.doc), textHash(bob.doc)]).size).toBe(1)
})

test('[YTEXT-1] the same update again emits nothing', () => {
  const field = TextField.fromPlain('', options)
  const update = written(11, doc => doc.getText('text').insert(0, 'x'))
  expect(applied(field.apply(update, 'ann'))).toBeDefined()
  expect(applied(field.apply(update, 'ann'))).toBeUndefined()
  expect(field.plain).toBe('x')
})

test('[YTEXT-2] what was applied is forgotten when it did not become durable', () => {
  const field = TextField.fromPlain('kept', options)
  const before = field.state()
  const mark = field.mark()
  applied(
    field.apply(
      written(11, doc => doc.getText('text').insert(0, 'lost ')),
      'ann',
    ),
  )
  field.replaceAll('other')
  expect(field.isSettled).toBe(false)
  field.back(mark)
  expect(field.plain).toBe('kept')
  expect(field.state()).toEqual(before)
  expect(field.isSettled).toBe(true)
  applied(
    field.apply(
      written(12, doc => doc.getText('text').insert(0, 'and ')),
      'bob',
    ),
  )
  field.keep()
  expect(() => field.back(mark)).toThrow('what was kept stays')
})

test('[YTEXT-2] a field that was opened from a state and later updates says what it said', () => {
  const field = TextField.fromPlain('a', options)
  const state = field.state()
  const ann = editorOf(field, 11)
  const log: Uint8Array[] = []
  for (let i = 0; i < 300; i++) {
    ann.text.insert(dice.below(ann.text.length + 1), 'x')
    log.push(applied(field.apply(ann.made[i]!, 'ann'))!)
    field.keep()
  }
  const again = TextField.open(state, options, log)
  expect(again.plain).toBe(field.plain)
  expect(again.hash).toBe(field.hash)
})
const dice = new Dice(3)

test('[YTEXT-3] a client id is the user’s who used it first, and nobody gets one that has written', () => {
  const field = TextField.fromPlain('', options)
  expect(field.bind(11, 'ann')).toBeUndefined()
  expect(field.bind(11, 'bob')).toMatchObject({ code: 'forged' })
  const update = written(11, doc => doc.getText('text').insert(0, 'x'))
  expect(field.apply(update, 'bob')).toMatchObject({ code: 'forged' })
  expect(field.plain).toBe('')
  applied(field.apply(update, 'ann'))
  field.keep()
  const other = TextField.open(field.state(), { ...options, bindings: field.bindings })
  expect(other.userOf(11)).toBe('ann')
  const forgotten = TextField.open(field.state(), options)
  expect(forgotten.bind(11, 'ann')).toMatchObject({ code: 'forged' })
  expect(forgotten.bind(1, 'ann'), 'the server’s own').toMatchObject({ code: 'forged' })
})

test('[YTEXT-3] a user has so many new ids a day, a field so many for ever', () => {
  let now = 0
  const limits = { idsPerDay: 2, ids: 5 }
  const field = TextField.open(undefined, { clock: { now: () => now }, serverId: 1, limits })
  expect([11, 12, 13].map(id => field.bind(id, 'ann')?.code)).toEqual([undefined, undefined, 'limit'])
  const again = TextField.open(field.state(), {
    clock: { now: () => now },
    serverId: 1,
    limits,
    bindings: field.bindings,
  })
  expect(again.bind(13, 'ann')).toMatchObject({ code: 'limit' })
  expect(field.bind(14, 'bob')).toBeUndefined()
  now = 86_400_000
  expect([15, 16, 17].map(id => field.bind(id, 'ann')?.code)).toEqual([undefined, undefined, 'limit'])
  expect(field.bind(18, 'cem')).toMatchObject({ code: 'limit', reason: expect.stringContaining('5') })
})

test('[YTEXT-4] the root that is written first is the field’s for ever', () => {
  const field = TextField.open(undefined, options)
  expect(field.root).toBeUndefined()
  expect(
    field.apply(
      written(11, doc => doc.getText('nobody-s').insert(0, 'x')),
      'ann',
    ),
  ).toMatchObject({ code: 'content' })
  applied(
    field.apply(
      written(11, doc => doc.getText('codemirror').insert(0, 'x')),
      'ann',
    ),
  )
  field.keep()
  expect(field.root).toBe('codemirror')
  expect(
    field.apply(
      written(12, doc => doc.getText('text').insert(0, 'y')),
      'bob',
    ),
  ).toMatchObject({ code: 'content' })
  expect(TextField.open(field.state(), options).root).toBe('codemirror')
  field.replaceAll('z')
  expect(field.plain).toBe('z')
})

test('[YTEXT-4] a refused edit does not choose the root, and an empty text keeps its own', () => {
  const field = TextField.open(undefined, options)
  const mark = field.mark()
  applied(
    field.apply(
      written(11, doc => doc.getText('quill').insert(0, 'refused')),
      'eve',
    ),
  )
  field.compensate(mark)
  field.keep()
  expect(field.root).toBeUndefined()
  const state = field.state()
  expect(TextField.open(state, { ...options, bindings: field.bindings }).root).toBeUndefined()
  const ann = openTextDoc({ updates: [state], clientId: 12 })
  ann.getText('codemirror').insert(0, 'accepted')
  applied(field.apply(Y.encodeStateAsUpdate(ann, field.vector()), 'ann'))
  expect([field.root, field.plain]).toEqual(['codemirror', 'accepted'])
  ann.getText('codemirror').delete(0, 8)
  applied(field.apply(Y.encodeStateAsUpdate(ann, field.vector()), 'ann'))
  field.keep()
  expect([field.root, field.plain]).toEqual(['codemirror', ''])
  const again = TextField.open(field.state(), { ...options, bindings: field.bindings })
  expect(again.root).toBe('codemirror')
  expect(
    again.apply(
      written(13, doc => doc.getText('text').insert(0, 'x')),
      'bob',
    ),
  ).toMatchObject({ code: 'content' })
  const second = again.mark()
  ann.getText('codemirror').insert(0, 'no')
  applied(again.apply(Y.encodeStateAsUpdate(ann, again.vector()), 'ann'))
  Y.applyUpdate(ann, again.compensate(second).emitted!)
  expect([again.plain, ann.getText('codemirror').toString(), again.hash]).toEqual(['', '', textHash(ann)])
})

test('[YTEXT-5] a refused edit vanishes from its author’s text and is nowhere else', () => {
  const field = TextField.fromPlain('hello world', options)
  const ann = editorOf(field, 11)
  const bob = editorOf(field, 12)
  ann.text.insert(5, ' SECRETWORDS')
  ann.text.delete(0, 2)
  ann.text.insert(ann.text.toString().indexOf('WORDS'), '!!')
  const [insertion, deletion, inside] = ann.made as [Uint8Array, Uint8Array, Uint8Array]
  for (const update of [insertion, deletion]) {
    const mark = field.mark()
    applied(field.apply(update, 'ann'))
    const { emitted } = field.compensate(mark)
    field.keep()
    expect(field.plain).toBe('hello world')
    expect(has(emitted, 'SECRET') || has(field.state(), 'SECRET')).toBe(false)
    for (const { doc } of [ann, bob]) Y.applyUpdate(doc, emitted!, 'heard')
    expect(bob.text.toString()).toBe('hello world')
  }
  expect(ann.text.toString()).toBe('hello!! world')
  // typed inside the refused run, and allowed
  const emitted = applied(field.apply(inside, 'ann'))!
  Y.applyUpdate(bob.doc, emitted, 'heard')
  expect([field.plain, bob.text.toString()]).toEqual(['hello!! world', 'hello!! world'])
  expect(new Set([field.hash, textHash(ann.doc), textHash(bob.doc)]).size).toBe(1)
})

test('[YTEXT-5] several edits are taken back together, and a first edit of an empty field too', () => {
  const field = TextField.open(undefined, options)
  const ann = editorOf(field, 11)
  ann.text.insert(0, 'FIRST')
  ann.text.insert(5, 'SECOND', { bold: true })
  ann.text.insertEmbed(0, { secret: 'EMBED' })
  const mark = field.mark()
  for (const update of ann.made) applied(field.apply(update, 'ann'))
  const { emitted } = field.compensate(mark)
  field.keep()
  Y.applyUpdate(ann.doc, emitted!, 'heard')
  expect([field.plain, ann.text.toString(), field.length]).toEqual(['', '', 0])
  for (const words of ['FIRST', 'SECOND', 'EMBED', 'secret'])
    expect(has(emitted, words) || has(field.state(), words), words).toBe(false)
  expect(textHash(ann.doc)).toBe(field.hash)
})

test('[YTEXT-5] taking back nothing emits nothing', () => {
  const field = TextField.fromPlain('x', options)
  expect(field.compensate(field.mark())).toEqual({ emitted: undefined })
})

test('[YTEXT-5] what was earlier in the same group stays when a later edit is taken back', () => {
  const field = TextField.fromPlain('a', options)
  applied(
    field.apply(
      written(11, doc => doc.getText('text').insert(0, 'good ')),
      'ann',
    ),
  )
  const mark = field.mark()
  applied(
    field.apply(
      written(12, doc => doc.getText('text').insert(0, 'bad ')),
      'bob',
    ),
  )
  field.compensate(mark)
  expect(field.plain).toMatch(/^(a ?good |good a)$/)
  field.back(mark)
  expect(field.plain).toMatch(/^(a ?good |good a)$/)
})

test('[YTEXT-6] a whole value is written as the smallest edit', () => {
  const field = TextField.fromPlain('The quick brown fox 😀 jumps', options)
  const ann = editorOf(field, 11)
  const anchor = Y.createRelativePositionFromTypeIndex(ann.text, 'The quick brown '.length)
  const { emitted } = field.replaceAll('A quick brown fox 😁 leaps')
  field.keep()
  Y.applyUpdate(ann.doc, emitted!, 'heard')
  expect(ann.text.toString()).toBe('A quick brown fox 😁 leaps')
  expect(Y.createAbsolutePositionFromRelativePosition(anchor, ann.doc)?.index).toBe('A quick brown '.length)
  expect(has(emitted, 'brown')).toBe(false)
  expect(field.replaceAll('A quick brown fox 😁 leaps').emitted).toBeUndefined()
})

test('[YTEXT-6] a whole value leaves formats and embedded values where they are', () => {
  const field = TextField.open(undefined, options)
  const ann = editorOf(field, 11)
  ann.doc.transact(() => {
    ann.text.insert(0, 'one two three')
    ann.text.format(4, 3, { bold: true })
    ann.text.insertEmbed(5, { image: 'x' })
    ann.text.insertEmbed(0, { image: 'y' })
  })
  applied(field.apply(ann.made[0]!, 'ann'))
  expect(field.plain).toBe('one two three')
  const { emitted } = field.replaceAll('one 2 three!')
  Y.applyUpdate(ann.doc, emitted!, 'heard')
  expect(field.plain).toBe('one 2 three!')
  const delta = ann.text.toDelta() as { insert: unknown }[]
  expect(delta.filter(({ insert }) => typeof insert === 'object')).toHaveLength(2)
  expect(delta[0]).toMatchObject({ insert: { image: 'y' } })
  expect(delta.map(({ insert }) => (typeof insert === 'string' ? insert : '')).join('')).toBe('one 2 three!')
})

test('[YTEXT-6] any text becomes any other', () => {
  const letters = ['a', 'b', 'c', '😀', '😁', '\n', 'é']
  for (let round = 0; round < 300; round++) {
    const random = () => Array.from({ length: dice.below(30) }, () => dice.pick(letters)).join('')
    const [from, to] = [random(), random()]
    const field = TextField.fromPlain(from, options)
    field.replaceAll(to)
    expect(field.plain).toBe(to)
  }
  const long = 'x'.repeat(5_000)
  const field = TextField.fromPlain(long, options)
  field.replaceAll([...long].map((letter, i) => (i % 3 === 0 ? 'y' : letter)).join(''))
  expect(field.plain.slice(0, 6)).toBe('yxxyxx')
})

test('[YTEXT-7] who says what they know gets what they lack, and a vector that is none is refused', () => {
  const field = TextField.fromPlain('tea', options)
  const ann = editorOf(field, 11)
  field.replaceAll('tea for two')
  field.keep()
  const lacking = field.since(Y.encodeStateVector(ann.doc))
  if (isRefusal(lacking)) throw new Error(lacking.reason)
  Y.applyUpdate(ann.doc, lacking, 'heard')
  expect(ann.text.toString()).toBe('tea for two')
  for (const vector of [[], [1], [0, 0], [255, 255, 255, 255, 15]])
    expect(isRefusal(field.since(Uint8Array.from(vector))), vector.join()).toBe(true)
  expect(isRefusal(field.since(Uint8Array.from([0])))).toBe(false)
})

test('[YTEXT-8] a text that is too long is said to be so, and can be taken back', () => {
  const field = TextField.open(undefined, { ...options, limits: { textLength: 3 } })
  const mark = field.mark()
  applied(
    field.apply(
      written(11, doc => doc.getText('text').insert(0, 'abcd')),
      'ann',
    ),
  )
  expect(field.isTooLong).toBe(true)
  field.compensate(mark)
  expect(field.isTooLong).toBe(false)
})

test('[YTEXT-9] no edit parts a surrogate pair', () => {
  const field = TextField.fromPlain('a😀b', options)
  const parting = editorOf(field, mine)
  parting.text.insert(2, 'x')
  expect(field.apply(parting.made[0]!, 'eve')).toMatchObject({ code: 'malformed' })
  const deleting = editorOf(field, mine)
  deleting.text.delete(1, 1)
  expect(field.apply(deleting.made[0]!, 'eve')).toMatchObject({ code: 'malformed' })
  expect(field.plain).toBe('a😀b')
  const whole = editorOf(field, mine)
  whole.text.delete(1, 2)
  applied(field.apply(whole.made[0]!, 'eve'))
  expect(field.plain).toBe('ab')
})

test('[YTEXT-9] an edit whose neighbours are the wrong way round would stand elsewhere on every replica: it is refused', () => {
  const field = TextField.fromPlain('hello', options)
  const between = (left: number, right: number) =>
    new Writer()
      .uint(1)
      .uint(1)
      .uint(mine)
      .uint(0)
      .byte(4 | 128 | 64)
      .uint(1)
      .uint(left)
      .uint(1)
      .uint(right)
      .uint(1)
      .byte(120)
      .uint(0)
      .take()
  for (const [left, right] of [
    [3, 1],
    [2, 2],
    [4, 0],
  ] as const)
    expect(field.apply(between(left, right), 'eve'), `${left} ${right}`).toMatchObject({ code: 'malformed' })
  expect(field.plain).toBe('hello')
  applied(field.apply(between(1, 2), 'eve'))
  expect(field.plain).toBe('hexllo')
})

test('[YTEXT-11] one id alone cannot make the search for places quadratic: it is refused after so many steps', () => {
  const victims = openTextDoc({ clientId: 100 })
  victims.getText('text').insert(0, 'x')
  for (let i = 0; i < 400; i++) victims.getText('text').insert(dice.below(i + 1), 'x')
  const state = Y.encodeStateAsUpdate(victims)
  const limited = (steps: number) => TextField.open(state, { ...options, limits: { steps } })
  const word = (writer: Writer, ascii: string) =>
    writer.uint(ascii.length).copy(Uint8Array.from(ascii, letter => letter.charCodeAt(0)))
  // parts without neighbours, each of which would walk past everything the victim wrote
  const anywhere = new Writer().uint(1).uint(100).uint(4_000_000_000).uint(0)
  for (let i = 0; i < 100; i++) word(word(anywhere.byte(4).uint(1), 'text'), 'x')
  const flood = anywhere.uint(0).take()
  expect(limited(10_000).apply(flood, 'eve')).toMatchObject({ code: 'limit' })
  expect(isRefusal(limited(1_000_000).apply(flood, 'eve'))).toBe(false)
  // parts before each character of an own text, each of which would walk past all of its own
  const own = word(
    word(new Writer().uint(1).uint(200).uint(50).uint(0).byte(4).uint(1), 'text'),
    'e'.repeat(199),
  )
  for (let i = 0; i < 199; i++)
    word(
      own
        .byte(4 | 64)
        .uint(50)
        .uint(i),
      'x',
    )
  const field = limited(10_000)
  const before = field.hash
  expect(field.apply(own.uint(0).take(), 'eve')).toMatchObject({ code: 'limit' })
  expect(field.hash, 'what was applied of it is gone').toBe(before)
  expect(field.isSettled).toBe(true)
})

test('[YTEXT-11] many parts are applied in groups and say what they say at once', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const dice = new Dice(seed)
    const field = TextField.fromPlain('a text to begin with', options)
    const ann = editorOf(field, 11)
    ann.doc.transact(() => {
      for (let i = 0; i < 300; i++) textHabits(ann.doc, dice)
    })
    expect(Y.decodeUpdate(ann.made[0]!).structs.length).toBeGreaterThan(64)
    const emitted = applied(field.apply(ann.made[0]!, 'ann'))
    expect(field.hash).toBe(textHash(ann.doc))
    const bob = editorOf(TextField.fromPlain('a text to begin with', options), 12)
    Y.applyUpdate(bob.doc, emitted!)
    expect(textHash(bob.doc)).toBe(field.hash)
  }
})

test('[YTEXT-11] edits of several sessions of one user come in one update, whichever stands on whichever', () => {
  const field = TextField.fromPlain('', options)
  const first = editorOf(field, 500)
  for (let i = 0; i < 90; i++) first.text.insert(dice.below(first.text.length + 1), 'x')
  const second = openTextDoc({ updates: [Y.encodeStateAsUpdate(first.doc)], clientId: 400 })
  for (let i = 0; i < 90; i++) second.getText('text').insert(dice.below(i), 'y')
  const third = openTextDoc({ updates: [Y.encodeStateAsUpdate(second)], clientId: 600 })
  for (let i = 0; i < 90; i++) third.getText('text').insert(dice.below(i), 'z')
  applied(field.apply(Y.encodeStateAsUpdate(third, field.vector()), 'ann'))
  expect(field.hash).toBe(textHash(third))
})

test('[YTEXT-5] of refused edits no character is in anything sent or stored, whatever else happens meanwhile', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const dice = new Dice(100 + seed)
    const field = TextField.open(undefined, { ...options, limits: { idsPerDay: 10_000 } })
    const editors = ['ann', 'bob', 'cem'].map(user => new HonestEditor(user, dice, textHabits))
    const secrets: string[] = []
    for (let step = 0; step < 60; step++) {
      const editor = dice.pick(editors)
      const isSecret = dice.chance(25) && editor.outbox.length === 0
      if (isSecret) {
        const secret = `secret-${seed}-${step}-`
        secrets.push(secret)
        const text = editor.doc.getText('text')
        editor.doc.transact(() => {
          text.insert(placeIn(text, dice), secret, { bold: secret })
          text.insertEmbed(placeIn(text, dice), { [secret]: secret })
        })
      } else editor.edit()
      if (!isSecret && dice.chance(50)) continue
      for (const update of editor.outbox.splice(0)) {
        const mark = field.mark()
        let emitted = applied(field.apply(update, editor.user))
        if (isSecret) emitted = field.compensate(mark).emitted
        field.keep()
        for (const secret of secrets)
          expect(has(emitted, secret) || has(field.state(), secret), secret).toBe(false)
        if (emitted !== undefined) for (const other of editors) other.hear(emitted)
      }
    }
    expect(secrets.length).toBeGreaterThan(3)
    for (const { doc, outbox } of editors) if (outbox.length === 0) expect(textHash(doc)).toBe(field.hash)
  }
})

test.each([
  ['text', textHabits],
  ['richtext', richHabits],
] as const)(
  '[YTEXT-10] honest editors of a %s, a third of whose edits are refused: all converge, and what is refused changes nothing',
  (kind, habit) => {
    const counted = { updates: 0, refused: 0 }
    for (let seed = 1; seed <= 25; seed++) {
      const dice = new Dice(seed)
      const field = TextField.open(undefined, { ...options, kind, limits: { idsPerDay: 10_000 } })
      const editors = ['ann', 'bob', 'cem'].map(user => new HonestEditor(user, dice, habit))
      const send = (editor: HonestEditor, update: Uint8Array, refuse: boolean) => {
        const hash = field.hash
        const mark = field.mark()
        const first = field.apply(update, editor.user)
        if (isRefusal(first)) throw new Error(`seed ${seed}: an honest edit was refused: ${first.reason}`)
        counted.updates++
        let { emitted } = first
        if (refuse && emitted !== undefined) {
          counted.refused++
          emitted = field.compensate(mark).emitted
          expect(field.hash, `seed ${seed}`).toBe(hash)
        }
        field.keep()
        if (emitted !== undefined) for (const other of editors) other.hear(emitted)
      }
      for (let step = 0; step < 120; step++) {
        const editor = dice.pick(editors)
        if (dice.chance(65)) editor.edit()
        else if (dice.chance(5) && editor.outbox.length === 0) editor.reopen()
        else for (const update of editor.outbox.splice(0)) send(editor, update, dice.chance(33))
      }
      for (let again = 0; again < 5; again++)
        for (const editor of editors)
          for (const update of editor.outbox.splice(0)) send(editor, update, false)
      for (const editor of editors)
        expect(textHash(editor.doc), `seed ${seed} ${editor.user}`).toBe(field.hash)
      const again = TextField.open(field.state(), { ...options, kind })
      expect(again.hash).toBe(field.hash)
    }
    expect(counted.updates).toBeGreaterThan(1_200)
    expect(counted.refused).toBeGreaterThan(300)
  },
)
