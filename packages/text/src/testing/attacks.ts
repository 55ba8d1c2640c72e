import * as Y from 'yjs'
import { Writer } from '../gate/writer.ts'
import { openTextDoc } from '../replica.ts'

/** The attacker's own client id, and the victim's. */
export const mine = 555
export const victim = 777

/** What a server holds when it is attacked: `hello ` by the victim, and one character of its own, in the root `t`. */
export function attackedState(): Uint8Array {
  const doc = openTextDoc({ clientId: victim })
  doc.getText('t').insert(0, 'hello ')
  const server = openTextDoc({ updates: [Y.encodeStateAsUpdate(doc)], clientId: 1 })
  server.getText('t').insert(0, 'S')
  return Y.encodeStateAsUpdate(server)
}

/** Updates that harm whoever applies them, by what they do. Each was shown to work on a plain `Y.applyUpdate`. */
export const attacks: Readonly<Record<string, () => Uint8Array>> = {
  'a collected part of a thousand million under the victim’s id': () =>
    new Writer().uint(1).uint(1).uint(victim).uint(6).uint(0).uint(1e9).uint(0).take(),
  'an edit forged under the victim’s id and clock': () =>
    written(victim, doc => doc.getText('t').insert(0, 'FORGED')),
  'a deletion of what the victim will write': () =>
    new Writer().uint(0).uint(1).uint(victim).uint(1).uint(1).uint(1e6).take(),
  'a client id that wins every tie': () => written(2 ** 53 - 1, doc => doc.getMap('m').set('k', 1)),
  'an edit without those before it': () => {
    const doc = openTextDoc({ clientId: mine })
    doc.getText('t').insert(0, 'x')
    const known = Y.encodeStateVector(doc)
    doc.getText('t').insert(1, 'y')
    return Y.encodeStateAsUpdate(doc, known)
  },
  'a count of parts that reserves memory': () => new Writer().uint(1).uint(3e7).uint(mine).uint(0).take(),
  'a value nested five thousand deep': () => {
    const writer = new Writer()
      .uint(1)
      .uint(1)
      .uint(mine)
      .uint(0)
      .uint(8 | 32)
      .uint(1)
    text(text(writer, 'm'), 'k').uint(1)
    for (let level = 0; level < 5_000; level++) writer.uint(117).uint(1)
    return writer.uint(126).uint(0).take()
  },
  'a map key that reaches the prototype': () =>
    written(mine, doc => doc.getMap('m').set('__proto__', { isAdmin: true })),
  'a value with a key that reaches the prototype': () =>
    written(mine, doc => doc.getMap('m').set('o', JSON.parse('{"__proto__":{"isAdmin":true}}'))),
  'parts that are right before deletions that are broken': () =>
    written(mine, doc => doc.getText('t').insert(0, 'sneaked in')).slice(0, -1),
  'bytes behind the end': () =>
    new Writer()
      .copy(written(mine, doc => doc.getText('t').insert(0, 'x')))
      .uint(0)
      .take(),
  'a root that nobody declared': () => written(mine, doc => doc.getMap('hidden').set('x', 1)),
  'a thousand client ids in one update': () => {
    const writer = new Writer().uint(1_000)
    for (let id = 0; id < 1_000; id++)
      writer
        .uint(1)
        .uint(1_000 + id)
        .uint(0)
        .uint(0)
        .uint(1)
    return writer.uint(0).take()
  },
  'a document within the document': () =>
    written(mine, doc => doc.getMap('m').set('s', new Y.Doc({ guid: 'inner' }))),
  'a jump of the own clock': () =>
    new Writer().uint(1).uint(1).uint(mine).uint(0).uint(0).uint(1e9).uint(0).take(),
}

/** Those of the catalogue of reliability, C-1 to C-8, that are not above. */
export const catalogue: Readonly<Record<string, () => Uint8Array>> = {
  'C-1 a giant collected part': attacks['a jump of the own clock']!,
  'C-2 somebody else’s client id': attacks['an edit forged under the victim’s id and clock']!,
  'C-3 a gap in the clock': attacks['an edit without those before it']!,
  'C-4 a part that skips': () =>
    new Writer().uint(1).uint(1).uint(mine).uint(0).uint(10).uint(5).uint(0).take(),
  'C-5 a count of 2^32 parts': () =>
    new Writer()
      .uint(1)
      .uint(2 ** 32)
      .take(),
  'C-5 a count of 2^32 authors': () => new Writer().uint(2 ** 32).take(),
  'C-5 a count of 2^32 deletions': () =>
    new Writer()
      .uint(0)
      .uint(1)
      .uint(victim)
      .uint(2 ** 32)
      .take(),
  'C-5 a text of 2^32 bytes': () =>
    new Writer()
      .uint(1)
      .uint(1)
      .uint(mine)
      .uint(0)
      .uint(4)
      .uint(1)
      .uint(2 ** 32)
      .take(),
  'C-6 bytes of the second encoding': () => {
    const doc = openTextDoc({ clientId: mine })
    doc.getText('t').insert(0, 'x')
    return Y.encodeStateAsUpdateV2(doc)
  },
  'C-6 bytes of the second encoding, cut': () => {
    const doc = openTextDoc({ clientId: mine })
    doc.getText('t').insert(0, 'a longer text')
    return Y.encodeStateAsUpdateV2(doc).slice(0, 27)
  },
  'C-7 deletions in somebody’s other document': () =>
    new Writer().uint(0).uint(1).uint(424_242).uint(1).uint(0).uint(10).take(),
  'C-8 a subdocument': attacks['a document within the document']!,
  'C-8 a million tiny parts': () => {
    const writer = new Writer().uint(1).uint(1_000_000).uint(mine).uint(0)
    for (let part = 0; part < 300_000; part++) writer.uint(0).uint(1)
    return writer.uint(0).take()
  },
  'C-8 values of the oldest encoding': () =>
    text(text(new Writer().uint(1).uint(1).uint(mine).uint(0).uint(2).uint(1), 't').uint(1), '{}')
      .uint(0)
      .take(),
}

/** What one editor writes, as one update. */
export function written(clientId: number, work: (doc: Y.Doc) => void): Uint8Array {
  const doc = openTextDoc({ clientId })
  work(doc)
  return Y.encodeStateAsUpdate(doc)
}

/** ASCII, with its length before it. */
export function text(writer: Writer, ascii: string): Writer {
  writer.uint(ascii.length)
  return writer.copy(Uint8Array.from(ascii, letter => letter.charCodeAt(0)))
}
