import {
  CloudError,
  type DocId,
  NewText,
  type Outcome,
  toBase64,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { beginningOf } from '@nearcloud/text'
import { TextReplica } from '@nearcloud/text/client'
import { expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import type { JudgedWrite, Judgement } from '../rules/judge.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { admin, alice, bob, judgeBy, mutationOf, openWorld, type World } from '../testing/scenario.ts'
import type { TextChange } from './text-change.ts'

const collection = 'notes'
const place = (id: DocId = 'n', path = 'body') => ({ collection, id, path })
/** Everybody may read and write, but not a secret, and not for nobody. */
class TextJudge extends OpenJudge {
  override mayRead(): boolean {
    return true
  }

  override judgeWrite(actor: Actor, write: JudgedWrite): Judgement {
    const { body = '', owner }: { [field: string]: Value } = write.after ?? {}
    if (actor.kind !== 'admin' && (String(body).includes('secret') || owner === 'nobody'))
      return { allowed: false, rule: 'no secrets', reason: 'no secrets' }
    return { allowed: true }
  }
}

/** A user's replica of a text. */
class Editor {
  readonly replica: TextReplica
  readonly text: string
  readonly #updates: Uint8Array[] = []

  constructor(text: string, state: Uint8Array, clientId: number) {
    this.text = text
    this.replica = new TextReplica([state], clientId)
    this.replica.onEdit(update => this.#updates.push(update))
  }

  get plain(): string {
    return this.replica.plain
  }

  /** The write of an insertion. */
  insert(at: number, words: string): Write {
    this.replica.ytext.insert(at, words)
    const [update] = this.#updates.splice(0)
    return { op: 'text', ...place(), text: this.text, update: toBase64(update!) }
  }

  hear(changes: readonly TextChange[]): void {
    for (const change of changes) if (change.kind === 'edited') this.replica.apply(change.update)
  }
}

async function openTexts(world: World = openWorld(new MemoryEngine(), new TextJudge()), before = 'hello') {
  const changes: TextChange[] = []
  world.environment.onTexts(heard => changes.push(...heard))
  if ((await world.documents(collection)).length === 0) await add(world, before)
  let editors = 100 + world.engine.commits * 10
  return {
    ...world,
    changes,
    commit: (actor: Actor, ...writes: Write[]) => commitOf(world, actor, ...writes),
    body: async () => (await world.documents(collection))[0]?.body,
    async editor(id: DocId = 'n') {
      return world.environment.withText(
        place(id),
        text => new Editor(text!.id, text!.field.state(), ++editors),
      )
    },
    text: (id?: DocId, path?: string) =>
      world.environment.withText(place(id, path), text => text && { id: text.id, plain: text.field.plain }),
    state: () => world.engine.listState('test', 'text/'),
  }
}

async function add(world: World, content: string, id: DocId = 'n'): Promise<void> {
  const data = { body: new NewText(content), owner: 'alice' }
  await commitOf(world, admin, { op: 'add', collection, id, data })
}

async function commitOf(world: World, actor: Actor, ...writes: Write[]): Promise<Outcome> {
  return (await world.environment.commit({ actor, writes })).outcome
}

test('[TEXTCOMMIT-1] an edit changes the text and the plain field in one commit, and is told afterwards', async () => {
  const house = await openTexts()
  expect(await house.body()).toBe('hello')
  const editor = await house.editor()
  house.changes.length = 0
  expect(await house.commit(alice, editor.insert(5, ' you'))).toMatchObject({
    status: 'accepted',
    version: 2,
  })
  expect(await house.body()).toBe('hello you')
  expect(house.changes).toMatchObject([
    { kind: 'edited', ...place(), text: editor.text, actor: alice, client: null, isNewToAuthor: false },
  ])
  expect(house.heard.at(-1)).toMatchObject({ dataType: 'update', after: { body: 'hello you' } })
})

test('[TEXTCOMMIT-1] edits made apart are merged by character, whoever comes first', async () => {
  const house = await openTexts()
  const [one, other] = [await house.editor(), await house.editor()]
  const writes = [one.insert(0, 'Oh, '), other.insert(5, '!')]
  await house.commit(alice, writes[0]!)
  await house.commit(bob, writes[1]!)
  expect(await house.body()).toBe('Oh, hello!')
  for (const editor of [one, other]) {
    editor.hear(house.changes)
    expect(editor.plain).toBe('Oh, hello!')
  }
  expect(await house.text()).toMatchObject({ plain: 'Oh, hello!' })
})

test('[TEXTCOMMIT-2] what is stored of a text survives the server, compact, and history keeps none of it', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  for (let n = 0; n < 200; n++) await house.commit(alice, editor.insert(editor.plain.length, String(n % 10)))
  const stored = await house.state()
  expect(stored.length).toBeLessThan(70)
  const again = await openTexts(openWorld(house.engine, new TextJudge()))
  expect(await again.text()).toEqual({ id: editor.text, plain: editor.plain })
  const late = await again.editor()
  await again.commit(bob, late.insert(0, '>'))
  expect(await again.body()).toBe(`>${editor.plain}`)
})

test('[TEXTCOMMIT-2] an edit that comes a second time changes nothing', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  const write = editor.insert(0, 'x')
  await house.commit(alice, write)
  house.changes.length = 0
  expect(await house.commit(alice, write)).toMatchObject({ status: 'accepted' })
  expect(await house.body()).toBe('xhello')
  expect(house.changes).toEqual([])
})

test('[TEXTCOMMIT-2] a storage that fails leaves the text as it was, and the same edit can come again', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  const write = editor.insert(0, 'x')
  house.engine.beforeCommit = () => {
    throw new CloudError('STORE_FAILED', { errMsg: 'the disk is gone' })
  }
  const failing = house.commit(alice, write)
  await expect(failing).rejects.toMatchObject({ code: 'STORE_FAILED' })
  house.engine.beforeCommit = () => {}
  expect(await house.text()).toMatchObject({ plain: 'hello' })
  await house.commit(alice, write)
  expect(await house.body()).toBe('xhello')
})

test('[TEXTCOMMIT-3] a rule judges the document as it would be with the edit', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  expect(await house.commit(alice, editor.insert(0, 'a secret '))).toMatchObject({
    status: 'rejected',
    code: 'DATABASE_PERMISSION_DENIED',
  })
  expect(await house.body()).toBe('hello')
  expect(house.heard).toHaveLength(1)
})

test('[TEXTCOMMIT-4] a refused edit is taken back in place: its author ends as everybody else, and goes on', async () => {
  const house = await openTexts()
  const [editor, other] = [await house.editor(), await house.editor()]
  await house.commit(alice, editor.insert(0, 'a secret '))
  const later = editor.insert(9, 'b') // inside what is being refused
  expect(await house.commit(alice, later)).toMatchObject({ status: 'accepted' })
  expect(house.changes.filter(({ kind }) => kind === 'edited')).toMatchObject([
    { isNewToAuthor: true },
    { isNewToAuthor: false },
  ])
  for (const each of [editor, other]) {
    each.hear(house.changes)
    expect(each.plain).toBe('bhello')
  }
  expect(await house.body()).toBe('bhello')
  const bytes = JSON.stringify([await house.state(), house.changes.map(change => ({ ...change, u: 0 }))])
  expect(Buffer.from(bytes).includes('secret')).toBe(false)
  for (const [, value] of await house.state())
    expect(
      Buffer.from(value.startsWith('{') ? JSON.parse(value).state : value, 'base64').includes('secret'),
    ).toBe(false)
})

test('[TEXTCOMMIT-4] when anything of a mutation is refused, its edits are taken back and nothing else happens', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  for (const other of [0, 1]) {
    const asked: Write[] = [
      editor.insert(0, 'x'),
      { op: 'update', collection, id: 'n', changes: [['owner', 'set', 'nobody']] },
    ]
    if (other) asked.reverse()
    expect(await house.commit(alice, ...asked)).toMatchObject({ status: 'rejected' })
    expect(await house.documents(collection)).toMatchObject([{ body: 'hello', owner: 'alice' }])
  }
  expect(await house.commit(alice, editor.insert(2, 'y'))).toMatchObject({ status: 'accepted' })
  editor.hear(house.changes)
  expect(editor.plain).toBe('yhello')
  expect(await house.body()).toBe('yhello')
})

test('[TEXTCOMMIT-4] after too many refused edits they are only refused', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  for (let n = 0; n < 20; n++) await house.commit(alice, editor.insert(0, 'secret'))
  house.changes.length = 0
  await house.commit(alice, editor.insert(0, 'secret'))
  expect(house.changes).toEqual([])
  expect(await house.commit(alice, editor.insert(0, 'fine'))).toMatchObject({
    status: 'rejected',
    code: 'PROTOCOL_ERROR',
    details: { refusal: 'gap' },
  })
  expect(await house.body()).toBe('hello')
})

test('[TEXTCOMMIT-5] a value written as a whole is the smallest edit of the text, new to everybody', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  const pending = editor.insert(5, '!')
  await house.commit(bob, { op: 'update', collection, id: 'n', changes: [['body', 'set', 'hello, world']] })
  await house.commit(alice, pending)
  expect(house.changes.filter(({ kind }) => kind === 'edited')).toMatchObject([
    { isNewToAuthor: true, actor: bob },
    { actor: alice },
  ])
  editor.hear(house.changes)
  expect(await house.body()).toBe(editor.plain)
  expect(editor.plain).toContain('!')
  expect(editor.plain).toContain(', world')
  await house.commit(bob, { op: 'set', collection, id: 'n', data: { body: 'anew', owner: 'bob' } })
  expect(await house.text()).toEqual({ id: editor.text, plain: 'anew' })
})

test('[TEXTCOMMIT-5] a refused value leaves the text alone', async () => {
  const house = await openTexts()
  house.changes.length = 0
  const changes = [['body', 'set', 'secret']] as const
  expect(await house.commit(alice, { op: 'update', collection, id: 'n', changes })).toMatchObject({
    status: 'rejected',
  })
  expect(house.changes).toEqual([])
  expect(await house.text()).toMatchObject({ plain: 'hello' })
})

test.each([
  ['the field is removed', { op: 'update', changes: [['body', 'remove', null]] }],
  ['the field becomes something else', { op: 'update', changes: [['body', 'set', 7]] }],
  ['the field is renamed', { op: 'update', changes: [['body', 'rename', 'corpse']] }],
  ['the document is removed', { op: 'remove' }],
  ['the document is set without it', { op: 'set', data: { owner: 'x' } }],
  ['another text begins there', { op: 'update', changes: [['body', 'set', new NewText('hello')]] }],
])(
  '[TEXTCOMMIT-6] a text ends when %s: its state goes, later edits are refused with the reason',
  async (_, part) => {
    const house = await openTexts()
    const editor = await house.editor()
    await house.commit(alice, editor.insert(0, 'x'))
    house.changes.length = 0
    expect(await house.commit(bob, { ...part, collection, id: 'n' } as Write)).toMatchObject({
      status: 'accepted',
    })
    expect(house.changes[0]).toMatchObject({ kind: 'ended', text: editor.text })
    expect((await house.text())?.id).not.toBe(editor.text)
    expect(JSON.stringify(await house.state())).not.toContain(`"${editor.text}"`)
    expect(await house.commit(alice, editor.insert(0, 'y'))).toMatchObject({
      status: 'rejected',
      code: 'DATABASE_REQUEST_FAILED',
      details: { reason: 'text ended' },
    })
  },
)

test('[TEXTCOMMIT-6] a document that is added again begins another text', async () => {
  const house = await openTexts()
  const editor = await house.editor()
  await house.commit(alice, { op: 'remove', collection, id: 'n' })
  await add(house, 'again')
  expect(await house.text()).toMatchObject({ plain: 'again' })
  expect((await house.text())?.id).not.toBe(editor.text)
  expect(await house.commit(alice, editor.insert(0, 'y'))).toMatchObject({ status: 'rejected' })
  expect(await house.body()).toBe('again')
})

test('[TEXTCOMMIT-7] a text that a client begins is named by its mutation, so it can be edited before the server knows it', async () => {
  const { environment, documents } = openWorld()
  await environment.openClient('c1', 'alice', 0)
  const begin = mutationOf(1, [{ op: 'add', collection, id: 'n', data: { body: new NewText('héllo 🌍') } }])
  const editor = new Editor(begin.nonce, beginningOf('héllo 🌍'), 4_711)
  const edit = mutationOf(2, [editor.insert(6, 'dear ')])
  for (const mutation of [begin, edit])
    expect((await environment.commit({ actor: alice, client: { id: 'c1', mutation } })).outcome.status).toBe(
      'accepted',
    )
  expect(await documents(collection)).toMatchObject([{ body: 'héllo dear 🌍' }])
})

test('[TEXTCOMMIT-8] what no honest editor sends is refused, and leaves no trace', async () => {
  const house = await openTexts()
  const [editor, victim] = [await house.editor(), await house.editor()]
  await house.commit(bob, victim.insert(0, 'v'))
  const forged = new Editor(editor.text, new Uint8Array([0, 0]), victim.replica.doc.clientID)
  for (const [write, code] of [
    [forged.insert(0, 'forged'), 'DATABASE_PERMISSION_DENIED'],
    [{ op: 'text', ...place(), text: editor.text, update: 'AQEB' }, 'PROTOCOL_ERROR'],
    [{ op: 'text', ...place(), text: editor.text, update: '' }, 'PROTOCOL_ERROR'],
    [{ op: 'text', ...place(), text: editor.text, update: 'no' }, 'INVALID_PARAM'],
    [{ op: 'text', ...place('n', 'owner'), text: editor.text, update: 'AAA=' }, 'DATABASE_REQUEST_FAILED'],
    [{ op: 'text', ...place('m'), text: editor.text, update: 'AAA=' }, 'DATABASE_REQUEST_FAILED'],
    [{ op: 'text', ...place(), text: 'guess', update: 'AAA=' }, 'DATABASE_REQUEST_FAILED'],
    [{ op: 'text', ...place(), collection: '_texts', text: 'guess', update: 'AAA=' }, 'INVALID_PARAM'],
  ] as const)
    expect(await house.commit(alice, write as Write), JSON.stringify(write)).toMatchObject({
      status: 'rejected',
      code,
    })
  expect(await house.body()).toBe('vhello')
  expect(await house.documents(collection)).toHaveLength(1)
})

test('[TEXTCOMMIT-8] a document has sixteen texts at most, however they came to be', async () => {
  const house = await openTexts()
  const many = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`t${n}`, new NewText(String(n))]))
  const changes = Object.entries(many).map(([path, text]) => [path, 'set', text] as const)
  expect(await house.commit(alice, { op: 'update', collection, id: 'n', changes })).toMatchObject({
    status: 'rejected',
    code: 'INVALID_PARAM',
  })
  expect(await house.documents(collection)).not.toHaveProperty('0.t0')
  expect(await house.text('n', 't0')).toBe(undefined)
  expect(
    await house.commit(alice, { op: 'update', collection, id: 'n', changes: changes.slice(1) }),
  ).toMatchObject({
    status: 'accepted',
  })
  expect(await house.text('n', 't7')).toMatchObject({ plain: '7' })
})

test('[TEXTCOMMIT-3] a rule sees what the field would say among what is asked', async () => {
  const judge = judgeBy({ notes: { read: true, create: true, update: "request.data.body != 'hello!'" } })
  const house = await openTexts(openWorld(new MemoryEngine(), judge))
  const editor = await house.editor()
  expect(await house.commit(alice, editor.insert(5, '!'))).toMatchObject({ status: 'rejected' })
  expect(await house.commit(alice, editor.insert(6, '?'))).toMatchObject({ status: 'accepted' })
  editor.hear(house.changes)
  expect(editor.plain).toBe('hello?')
})
