import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { isRefusal } from '../refusal.ts'
import { openTextDoc } from '../replica.ts'
import {
  attackedState,
  attacks,
  catalogue,
  Dice,
  HonestEditor,
  mine,
  richHabits,
  textHabits,
  written,
} from '../testing/index.ts'
import { type VetOptions, vetUpdate } from './vet-update.ts'
import { Writer } from './writer.ts'

const roots = new Set(['t', 'x', 'a', 'm'])

function server(): Y.Doc {
  return openTextDoc({ updates: [attackedState()], clientId: 0 })
}

function gate(doc: Y.Doc, bound: number = mine): VetOptions {
  return { clocks: client => Y.getState(doc.store, client), isBound: client => client === bound, roots }
}

/** One part of `info` and `rest` by the attacker. */
function part(info: number, rest: (writer: Writer) => Writer): Uint8Array {
  return rest(new Writer().uint(1).uint(1).uint(mine).uint(0).byte(info)).uint(0).take()
}

const named = (writer: Writer, name: string): Writer =>
  writer.uint(name.length).copy(Uint8Array.from(name, letter => letter.charCodeAt(0)))

test.each(Object.keys(attacks))('[GATE-1] refused before it is applied: %s', name => {
  const doc = server()
  const before = Y.encodeStateAsUpdate(doc)
  expect(vetUpdate(attacks[name]!(), gate(doc))).toMatchObject({ reason: expect.any(String) })
  expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
})

test.each(Object.keys(catalogue))('[GATE-1] refused before it is applied: %s', name => {
  expect(isRefusal(vetUpdate(catalogue[name]!(), gate(server())))).toBe(true)
})

test('[GATE-1] there are fifteen attacks', () => {
  expect(Object.keys(attacks)).toHaveLength(15)
})

test('[GATE-2] an honest update passes', () => {
  const doc = server()
  const update = written(mine, editor => {
    editor.getText('t').insert(0, 'héllo 😀')
    editor.getText('t').format(0, 2, { bold: true })
    editor.getText('t').insertEmbed(1, { image: 'x.png' })
    editor.getText('t').delete(2, 2)
  })
  expect(vetUpdate(update, gate(doc))).toBeUndefined()
  Y.applyUpdate(doc, update)
  expect(vetUpdate(update, gate(doc)), 'and once more').toBeUndefined()
})

test('[GATE-2] who makes and removes blocks while away sends collected parts, and passes', () => {
  const update = written(mine, editor => {
    const block = new Y.XmlElement('p')
    editor.getXmlFragment('x').insert(0, [block])
    block.insert(0, [new Y.XmlText('hi')])
    editor.getXmlFragment('x').delete(0, 1)
    editor.getArray('a').push([new Y.Map([['a', 1]])])
    editor.getArray('a').delete(0)
  })
  const one = written(mine, editor => {
    editor.getArray('a').push([new Y.Map([['a', new Y.Map([['b', 1]])]])])
    editor.getArray('a').delete(0)
  })
  const kinds = Y.decodeUpdate(one).structs.map(struct => struct.constructor.name)
  expect(kinds).toContain('GC')
  expect(vetUpdate(one, gate(server()))).toBeUndefined()
  // two roots are two fields
  expect(vetUpdate(update, gate(server()))).toMatchObject({ code: 'content' })
})

test('[GATE-3] every beginning of an update is refused, and every update with a byte more', () => {
  const update = written(mine, editor => {
    editor.getText('t').insert(0, 'hello')
    editor.getText('t').delete(1, 1)
  })
  for (let length = 0; length < update.length; length++)
    expect(vetUpdate(update.subarray(0, length), gate(server())), `${length} bytes`).toBeDefined()
  expect(vetUpdate(new Writer().copy(update).uint(7).take(), gate(server()))).toMatchObject({
    code: 'malformed',
  })
})

test('[GATE-4] a client id that is not the sender’s is forged, one of more than 32 bits is none', () => {
  const update = written(556, editor => editor.getText('t').insert(0, 'x'))
  expect(vetUpdate(update, gate(server()))).toEqual({ code: 'forged', reason: expect.any(String) })
  expect(vetUpdate(update, gate(server(), 556))).toBeUndefined()
  const wide = written(2 ** 32, editor => editor.getText('t').insert(0, 'x'))
  expect(vetUpdate(wide, gate(server(), 2 ** 32))).toMatchObject({ code: 'malformed' })
  const widest = written(2 ** 32 - 1, editor => editor.getText('t').insert(0, 'x'))
  expect(vetUpdate(widest, gate(server(), 2 ** 32 - 1))).toBeUndefined()
})

test('[GATE-5] a part may stand on what is known and on what is before it, not on itself nor on what comes', () => {
  const at = (client: number, clock: number) =>
    part(4 | 128, writer => named(writer.uint(client).uint(clock), 'x'))
  expect(vetUpdate(at(777, 5), gate(server()))).toBeUndefined()
  expect(vetUpdate(at(777, 6), gate(server()))).toMatchObject({ code: 'gap' })
  expect(vetUpdate(at(12_345, 0), gate(server()))).toMatchObject({ code: 'gap' })
  expect(vetUpdate(at(mine, 0), gate(server()))).toMatchObject({ code: 'malformed' })
  const right = part(4 | 64, writer => named(writer.uint(mine).uint(3), 'x'))
  expect(vetUpdate(right, gate(server()))).toMatchObject({ code: 'malformed' })
  const within = part(4, writer => named(writer.uint(0).uint(777).uint(99), 'x'))
  expect(vetUpdate(within, gate(server()))).toMatchObject({ code: 'gap' })
})

test('[GATE-6] names that reach a prototype are refused wherever a name may stand', () => {
  for (const name of ['__proto__', 'constructor', 'prototype']) {
    const places: Record<string, Uint8Array> = {
      root: part(4, writer => named(named(writer.uint(1), name), 'x')),
      key: part(8 | 32, writer =>
        named(named(writer.uint(1), 'm'), name)
          .uint(1)
          .uint(126),
      ),
      format: part(6, writer => named(named(named(writer.uint(1), 't'), name), 'true')),
      element: part(7, writer => named(named(writer.uint(1), 'x').uint(3), name)),
      value: part(8, writer => named(named(writer.uint(1), 'a').uint(1).uint(118).uint(1), name).uint(126)),
      embed: part(5, writer => named(named(writer.uint(1), 't'), `{"a":[{"${name}":1}]}`)),
      escaped: part(5, writer => named(named(writer.uint(1), 't'), `{"${name.replace('o', '\\u006f')}":1}`)),
    }
    for (const [place, update] of Object.entries(places))
      expect(vetUpdate(update, gate(server())), `${name} as ${place}`).toMatchObject({ code: 'content' })
  }
})

test('[GATE-7] text that is not UTF-8 and values that are not JSON are refused', () => {
  const bytes = (...list: number[]) =>
    part(4, writer => named(writer.uint(1), 't').uint(list.length).copy(Uint8Array.from(list)))
  expect(vetUpdate(bytes(0x68, 0x69), gate(server()))).toBeUndefined()
  expect(vetUpdate(bytes(0xf0, 0x9f, 0x98, 0x80), gate(server()))).toBeUndefined()
  const bad = [
    [0x80],
    [0xc0, 0x80],
    [0xc3],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xff],
    [0xf4, 0x90, 0x80, 0x80],
  ]
  for (const list of bad)
    expect(vetUpdate(bytes(...list), gate(server())), list.join()).toMatchObject({ code: 'malformed' })
  for (const value of ['{', '{"a":1', 'undefined', '01', '"\\ud800"', '{"a":1,"a":2}', ''])
    expect(
      vetUpdate(
        part(5, writer => named(named(writer.uint(1), 't'), value)),
        gate(server()),
      ),
      value,
    ).toMatchObject({
      code: 'content',
    })
})

test('[GATE-7] the clock counts UTF-16 units, as Yjs counts them', () => {
  const update = written(mine, editor => editor.getText('t').insert(0, 'aé汉😀'))
  const doc = server()
  Y.applyUpdate(doc, update)
  expect(Y.getState(doc.store, mine)).toBe(5)
  const more = (clock: number) =>
    named(
      new Writer()
        .uint(1)
        .uint(1)
        .uint(mine)
        .uint(clock)
        .byte(4 | 128)
        .uint(mine)
        .uint(4),
      'x',
    )
      .uint(0)
      .take()
  expect(vetUpdate(more(5), gate(doc))).toBeUndefined()
  expect(vetUpdate(more(6), gate(doc))).toMatchObject({ code: 'gap' })
})

test('[GATE-8] each limit is a limit', () => {
  const doc = server()
  const passes = written(mine, editor => editor.getText('t').insert(0, 'abc'))
  const withLimits = (limits: object, update = passes) => vetUpdate(update, { ...gate(doc), limits })
  expect(withLimits({})).toBeUndefined()
  expect(withLimits({ updateBytes: passes.length - 1 })).toMatchObject({ code: 'limit' })
  expect(withLimits({ structs: 0 })).toMatchObject({ code: 'limit' })
  expect(withLimits({ clients: 0 })).toMatchObject({ code: 'limit' })
  expect(withLimits({ advance: 2 })).toMatchObject({ code: 'limit' })
  expect(withLimits({ nameBytes: 0 })).toMatchObject({ code: 'limit' })
  const deleting = new Writer().uint(0).uint(1).uint(777).uint(2).uint(0).uint(1).uint(2).uint(1).take()
  expect(withLimits({ deleteRanges: 2 }, deleting)).toBeUndefined()
  expect(withLimits({ deleteRanges: 1 }, deleting)).toMatchObject({ code: 'limit' })
  const formats = written(mine, editor => {
    editor.getText('t').insert(0, 'abc', { a: 1, b: 1 })
  })
  expect(withLimits({ formats: 2 }, formats)).toBeUndefined()
  expect(withLimits({ formats: 1 }, formats)).toMatchObject({ code: 'limit' })
  const deep = written(mine, editor => editor.getText('t').insertEmbed(0, { a: { b: 1 } }))
  expect(withLimits({ depth: 2 }, deep)).toBeUndefined()
  expect(withLimits({ depth: 1 }, deep)).toMatchObject({ code: 'content' })
})

test('[GATE-9] a plain text holds characters, formats and embedded values, and nothing else', () => {
  const plain = (update: Uint8Array) => vetUpdate(update, { ...gate(server()), content: 'text' })
  expect(plain(written(mine, editor => editor.getText('t').insert(0, 'x', { bold: true })))).toBeUndefined()
  expect(plain(written(mine, editor => editor.getText('t').insertEmbed(0, { a: 1 })))).toBeUndefined()
  expect(plain(written(mine, editor => editor.getText('t').setAttribute('a', 'x')))).toMatchObject({
    code: 'content',
  })
  expect(plain(written(mine, editor => editor.getArray('a').push([1])))).toMatchObject({ code: 'content' })
  expect(plain(written(mine, editor => editor.getText('t').insertEmbed(0, new Y.Map())))).toMatchObject({
    code: 'content',
  })
})

test('[GATE-2] more than five thousand updates of honest editors all pass, and leave nothing pending', () => {
  let passed = 0
  for (let seed = 1; seed <= 40; seed++) {
    const dice = new Dice(seed)
    const rich = seed % 2 === 0
    const habit = rich ? richHabits : textHabits
    const kept = openTextDoc({ clientId: 0 })
    const owners = new Map<number, string>()
    const editors = ['ann', 'bob', 'cem'].map(user => new HonestEditor(user, dice, habit))
    const options = (user: string): VetOptions => ({
      clocks: client => Y.getState(kept.store, client),
      isBound: client => (owners.get(client) ?? user) === user,
      roots: new Set([rich ? 'prosemirror' : 'text']),
      content: rich ? 'rich' : 'text',
    })
    const send = (editor: HonestEditor, update: Uint8Array) => {
      expect(vetUpdate(update, options(editor.user)), `seed ${seed}`).toBeUndefined()
      for (const { client } of idsIn(update)) owners.set(client, editor.user)
      Y.applyUpdate(kept, update)
      expect(kept.store.pendingStructs ?? kept.store.pendingDs).toBeNull()
      passed++
    }
    for (let step = 0; step < 260; step++) {
      const editor = dice.pick(editors)
      if (dice.chance(60)) editor.edit()
      else if (dice.chance(6)) editor.reopen()
      else {
        // as updates were made, or as a provider says them at a reunion: everything the server lacks, with all deletions
        if (dice.chance(70)) for (const update of editor.outbox.splice(0)) send(editor, update)
        else {
          editor.outbox.length = 0
          send(editor, Y.encodeStateAsUpdate(editor.doc, Y.encodeStateVector(kept)))
        }
        editor.hear(Y.encodeStateAsUpdate(kept, Y.encodeStateVector(editor.doc)))
      }
    }
  }
  expect(passed).toBeGreaterThan(5_000)
})

function idsIn(update: Uint8Array): { client: number }[] {
  return Y.decodeUpdate(update).structs.map(struct => ({ client: struct.id.client }))
}
