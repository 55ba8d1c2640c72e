import { type DownOf, fromBase64, limits, NewText, toBase64, type Write } from '@nearcloud/protocol'
import { TextReplica } from '@nearcloud/text/client'
import { expect, test } from 'vitest'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { clientId, type RawClient } from '../testing/raw-client.ts'
import { admin, mutationOf } from '../testing/scenario.ts'

const place = { collection: 'notes', id: 'n', path: 'body' }
const asked = { type: 'openText', id: 1, collection: 'notes', doc: 'n', path: 'body' } as const

async function openNote(isPublic = true): Promise<LocalHouse> {
  const house = await openHouse()
  const data = { body: new NewText('hello'), title: 't', public: isPublic }
  await house.environment.commit({
    actor: admin,
    writes: [{ op: 'add', collection: 'notes', id: 'n', data }],
  })
  return house
}

async function join(house: LocalHouse, name: string): Promise<RawClient> {
  const client = house.connect()
  await client.hello({ protocol: 4, client: clientId(name), token: tokenOf(name) })
  return client
}

/** What the client's replica is after an answer. */
function replicaOf(answer: DownOf<'text'>, clientId = 4_711): TextReplica {
  return new TextReplica([fromBase64(answer.update)!], clientId)
}

async function opened(client: RawClient, clientNumber?: number) {
  client.send(asked)
  const answer = await client.next('text')
  const replica = replicaOf(answer, clientNumber)
  const edits: Uint8Array[] = []
  replica.onEdit(update => edits.push(update))
  return {
    answer,
    replica,
    insert(at: number, words: string): Write {
      replica.ytext.insert(at, words)
      return { op: 'text', ...place, text: answer.text, update: toBase64(edits.splice(0)[0]!) }
    },
    async hear() {
      replica.apply(fromBase64((await client.next('text')).update)!)
      return replica.plain
    },
  }
}

test('[TEXTCOMMIT-9] who opens a text gets what it lacks, then every edit of others as it is committed', async () => {
  const house = await openNote()
  const [alice, bob] = [await join(house, 'alice'), await join(house, 'bob')]
  const [hers, his] = [await opened(alice, 1_001), await opened(bob, 1_002)]
  expect(hers.replica.plain).toBe('hello')
  expect(hers.answer.hash).toBe(hers.replica.hash)
  alice.push(mutationOf(1, [hers.insert(5, '!')]))
  expect(await his.hear()).toBe('hello!')
  bob.push(mutationOf(1, [his.insert(0, '>')]))
  expect(await hers.hear()).toBe('>hello!')
  // what is one's own does not come back
  expect(alice.heard.filter(({ type }) => type === 'text')).toHaveLength(2)
})

test('[TEXTCOMMIT-9] who was away gets only what happened since', async () => {
  const house = await openNote()
  const alice = await join(house, 'alice')
  const { answer, replica } = await opened(alice)
  const vector = toBase64(replica.vector())
  const whole = answer.update.length
  const bob = await join(house, 'bob')
  const his = await opened(bob, 1_002)
  const long = his.insert(0, 'x'.repeat(500))
  bob.push(mutationOf(1, [long]))
  await bob.next('pushed')
  const again = await join(house, 'carol')
  again.send({ ...asked, text: answer.text, vector })
  const since = await again.next('text')
  replica.apply(fromBase64(since.update)!)
  expect(replica.plain).toBe(his.replica.plain)
  expect(since.hash).toBe(replica.hash)
  again.send({ ...asked, text: answer.text, vector: toBase64(replica.vector()) })
  expect((await again.next('text')).update.length).toBeLessThan(whole)
  again.send({ ...asked, text: 'another', vector: toBase64(replica.vector()) })
  expect(replicaOf(await again.next('text')).plain).toBe(replica.plain)
})

test('[TEXTCOMMIT-10] a refused edit is taken back at its author, and nobody else hears a word of it', async () => {
  const house = await openNote()
  const [alice, bob] = [await join(house, 'alice'), await join(house, 'bob')]
  const [hers, his] = [await opened(alice, 1_001), await opened(bob, 1_002)]
  const bad: Write = { op: 'update', collection: 'notes', id: 'n', changes: [['title', 'set', 'bad']] }
  alice.push(
    mutationOf(1, [hers.insert(5, ' forbidden'), bad], { base: 1 }),
    mutationOf(2, [hers.insert(0, '>')]),
  )
  expect(await alice.next('pushed')).toMatchObject({
    outcomes: [{ status: 'rejected' }, { status: 'accepted' }],
  })
  expect(hers.replica.plain).toBe('>hello forbidden')
  for (const message of alice.heard.slice(2))
    if (message.type === 'text') hers.replica.apply(fromBase64(message.update)!)
  if (hers.replica.plain !== '>hello') await hers.hear()
  expect(hers.replica.plain).toBe('>hello')
  while ((await his.hear()) !== '>hello');
  expect(Buffer.from(JSON.stringify(bob.heard)).includes('forbidden')).toBe(false)
  for (const message of bob.heard)
    if (message.type === 'text')
      expect(Buffer.from(message.update, 'base64').includes('forbidden')).toBe(false)
})

test('[TEXTCOMMIT-11] who may not read the document is told nothing, in the same words as of one that is not there', async () => {
  const house = await openNote(false)
  const alice = await join(house, 'alice')
  alice.send(asked)
  const hidden = await alice.next('textClosed')
  alice.send({ ...asked, doc: 'x' })
  const missing = await alice.next('textClosed')
  expect(hidden.error).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(missing.error.errMsg.replace('/x/', '/n/')).toBe(hidden.error.errMsg)
  expect(alice.heard.some(({ type }) => type === 'text')).toBe(false)
})

test('[TEXTCOMMIT-11] who may not read the document any more is told nothing more', async () => {
  const house = await openNote()
  const [alice, bob] = [await join(house, 'alice'), await join(house, 'bob')]
  const [hers] = [await opened(alice, 1_001), await opened(bob, 1_002)]
  const hide: Write = { op: 'update', collection: 'notes', id: 'n', changes: [['public', 'set', false]] }
  const secret: Write = {
    op: 'update',
    collection: 'notes',
    id: 'n',
    changes: [['body', 'set', 'only for us']],
  }
  await house.environment.commit({ actor: admin, writes: [hide, secret] })
  expect((await bob.next('textClosed')).error.code).toBe('DATABASE_PERMISSION_DENIED')
  await house.environment.commit({ actor: admin, writes: [secret] })
  bob.send({ type: 'ping' })
  await bob.next('pong')
  expect(bob.heard.filter(({ type }) => type === 'text')).toHaveLength(1)
  expect(hers.replica.plain).toBe('hello')
})

test('[TEXTCOMMIT-11] a text that ends is closed, and so is one that never was', async () => {
  const house = await openNote()
  const alice = await join(house, 'alice')
  await opened(alice)
  alice.send({ ...asked, id: 2, path: 'title' })
  expect(await alice.next('textClosed')).toMatchObject({ id: 2, error: { details: { reason: 'no text' } } })
  const remove: Write = { op: 'remove', collection: 'notes', id: 'n' }
  await house.environment.commit({ actor: admin, writes: [remove] })
  expect(await alice.next('textClosed')).toMatchObject({
    id: 1,
    error: { details: { reason: 'text ended' } },
  })
})

test('[TEXTCOMMIT-12] what is no vector is refused, and so are too many open texts', async () => {
  const house = await openNote()
  const alice = await join(house, 'alice')
  const { answer } = await opened(alice)
  for (const vector of ['AAA', '////', 'AgE=']) {
    alice.send({ ...asked, id: 2, text: answer.text, vector })
    expect(await alice.next('textClosed'), vector).toMatchObject({ id: 2, error: { code: 'PROTOCOL_ERROR' } })
  }
  for (let id = 2; id <= limits.openTexts + 1; id++) alice.send({ ...asked, id })
  expect(await alice.next('textClosed')).toMatchObject({
    id: limits.openTexts + 1,
    error: { code: 'EXCEED_REQUEST_LIMIT' },
  })
  alice.send({ type: 'closeText', id: 5 })
  alice.send({ ...asked, id: limits.openTexts + 1 })
  alice.send({ type: 'closeText', id: 99_999 })
  alice.send({ type: 'ping' })
  await alice.next('pong')
  expect(alice.heard.filter(({ type }) => type === 'textClosed')).toHaveLength(4)
})
