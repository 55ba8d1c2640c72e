import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { describeRules, rulesTest, runCases } from './index.ts'

const isMember = "auth.openid in get('database.rooms.' + doc.room).members"
const rules = {
  database: {
    notes: {
      read: `doc._openid == auth.openid || ${isMember}`,
      create: 'auth != null && request.data.title != null',
      update: 'doc._openid == auth.openid && doc.locked != true',
    },
    drafts: 'PRIVATE',
    closed: {},
  },
  storage: { read: 'resource.path == "a.txt"', write: 'resource.openid == auth.openid' },
  functions: { '*': { invoke: 'auth != null' } },
}
const given = {
  rooms: [{ _id: 'r1', members: ['bob'] }],
  notes: [
    { _id: 'n1', _openid: 'ann', room: 'r1' },
    { _id: 'n2', _openid: 'ann', room: 'r2', locked: true },
  ],
  drafts: [{ _id: 'd1', _openid: 'ann' }],
}

test('[RULETEST-3] who asks what by the API itself, whether it is allowed, and which clause refuses', async () => {
  const world = await rulesTest(rules).given(given)
  const [ann, bob, cyd, stranger] = ['ann', 'bob', 'cyd', null].map(who => world.as(who))
  const get = (id: string) => (db: Parameters<Parameters<NonNullable<typeof ann>['may']>[0]>[0]) =>
    db.collection('notes').doc(id).get()
  expect(await ann!.may(get('n1'))).toMatchObject({
    allowed: true,
    refusedBy: [],
    result: { data: { _id: 'n1' } },
  })
  expect(await bob!.may(get('n1'))).toMatchObject({ allowed: true })
  expect(await cyd!.may(get('n1'))).toMatchObject({
    allowed: false,
    refusedBy: ['doc._openid == auth.openid', isMember],
  })
  expect(
    await ann!.may(db =>
      db
        .collection('notes')
        .doc('n2')
        .update({ data: { x: 1 } }),
    ),
  ).toMatchObject({
    allowed: false,
    error: { code: 'DATABASE_PERMISSION_DENIED' },
    refusedBy: ['doc.locked != true'],
  })
  expect(await bob!.may(db => db.collection('notes').add({ data: {} }))).toMatchObject({
    allowed: false,
    refusedBy: ['request.data.title != null'],
  })
  expect(await bob!.may(db => db.collection('notes').add({ data: { title: 'x' } }))).toMatchObject({
    allowed: true,
  })
  expect(await stranger!.may(db => db.collection('notes').add({ data: { title: 'x' } }))).toMatchObject({
    allowed: false,
    refusedBy: ['auth != null'],
  })
  expect(await cyd!.may(db => db.collection('drafts').doc('d1').get())).toMatchObject({
    allowed: false,
    refusedBy: ['PRIVATE'],
  })
  expect(await cyd!.may(db => db.collection('closed').get())).toMatchObject({
    allowed: false,
    refusedBy: ['none'],
  })
  expect(await ann!.may(db => db.collection('drafts').doc('d1').remove())).toMatchObject({ allowed: true })
  expect(await ann!.may(db => db.collection('drafts').count())).toMatchObject({ result: { total: 0 } })
})

test('[RULETEST-4] a query is explained by the clauses that it leaves open', async () => {
  const world = await rulesTest(rules).given(given)
  const verdict = await world.as('bob').may(db => db.collection('notes').where({ room: 'r2' }).get())
  expect(verdict.decisions).toMatchObject([
    {
      place: 'database.notes.read',
      holds: false,
      clauses: [{ worth: 'open' }, { text: isMember, worth: 'open' }],
    },
  ])
  expect(await world.as('bob').may(db => db.collection('notes').where({ room: 'r1' }).get())).toMatchObject({
    allowed: true,
  })
  // what it is about may be wrong too, and that is no refusal
  await expect(world.as('bob').may(db => db.collection('').get())).rejects.toThrow()
})

test('[RULETEST-5] files and functions are asked for too', async () => {
  const world = await rulesTest(rules).given()
  expect(await world.as('ann').mayReadFile('a.txt', 'bob')).toMatchObject({ allowed: true })
  expect(await world.as('ann').mayReadFile('b.txt')).toMatchObject({
    allowed: false,
    refusedBy: ['resource.path == "a.txt"'],
  })
  expect(await world.as('ann').mayWriteFile('new')).toMatchObject({ allowed: true })
  expect(await world.as('ann').mayWriteFile('new', 'bob')).toMatchObject({ allowed: false })
  expect(await world.as(null).mayCall('any')).toMatchObject({ allowed: false, refusedBy: ['auth != null'] })
  expect(await world.as({ openid: 'x', uid: 'named' }).mayCall('any')).toMatchObject({ allowed: true })
})

test('[RULETEST-6] coverage tells clause by clause what no test has seen', async () => {
  const tested = rulesTest({ database: { notes: rules.database.notes, open: { read: true } } })
  const missing = () =>
    tested.coverage.clauses.flatMap(({ place, text, unseen }) =>
      unseen.map(side => `${place} ${text} ${side}`),
    )
  expect(tested.coverage.part).toBe(0)
  expect(missing()).toHaveLength(13)
  const world = await tested.given(given)
  await world.as('ann').may(db => db.collection('notes').doc('n1').get())
  expect(missing()).not.toContain('database.notes.read doc._openid == auth.openid yes')
  expect(missing(), 'the other was not looked at').toContain(`database.notes.read ${isMember} yes`)
  await world.as('cyd').may(db => db.collection('notes').where({ room: 'r1' }).get())
  await world.as('bob').may(db => db.collection('notes').doc('n1').get())
  expect(missing().filter(words => words.includes('notes.read'))).toEqual([])
  await world.as(null).may(db => db.collection('open').get())
  await world.as(null).may(db => db.collection('notes').add({ data: {} }))
  await world.as('ann').may(db => db.collection('notes').add({ data: {} }))
  await world.as('ann').may(db => db.collection('notes').add({ data: { title: 'x' } }))
  for (const [who, id] of [
    ['ann', 'n1'],
    ['ann', 'n2'],
    ['bob', 'n1'],
  ] as const)
    await world.as(who).may(db =>
      db
        .collection('notes')
        .doc(id)
        .update({ data: { x: 1 } }),
    )
  // nobody read anything that everybody may read
  expect(missing()).toEqual(['database.open.read true yes'])
  expect(tested.coverage.report()).toContain('92 % of 7 clauses seen both ways')
})

test('[RULETEST-7] cases that are written down are asked one by one, and what is no case is refused with its number', async () => {
  const results = await runCases(
    rulesTest(rules),
    {
      given,
      cases: [
        { as: 'ann', get: 'notes/n1', allowed: true },
        { as: 'ann', remove: 'drafts/d1', allowed: true },
        { name: 'each has documents of its own', as: 'ann', get: 'drafts/d1', allowed: true },
        { as: 'ann', update: 'notes/n2', data: { x: 1 }, allowed: false, refusedBy: 'doc.locked != true' },
        { as: 'ann', update: 'notes/n2', data: { x: 1 }, allowed: false, refusedBy: 'another' },
        { as: null, find: 'notes', where: { room: 'r1' }, allowed: true },
        { as: { openid: 'x', uid: 'y' }, call: 'f', allowed: true },
      ],
    },
    'cases',
  )
  expect(results.map(({ words, wrong }) => [words, wrong === undefined])).toEqual([
    ['ann may get notes/n1', true],
    ['ann may remove drafts/d1', true],
    ['each has documents of its own', true],
    ['ann may not update notes/n2', true],
    ['ann may not update notes/n2', false],
    ['a stranger may find notes', false],
    ['y may call f', true],
  ])
  const one = { as: 'ann', get: 'notes/n1', allowed: true }
  for (const [asked, words] of [
    [null, /cases/],
    [[], /cases/],
    [{ cases: [], more: 1 }, /unknown: more/],
    [{ given: { notes: [{}] }, cases: [] }, /given.notes/],
    [{ given: [], cases: [] }, /given/],
    [{ cases: [one, {}] }, /case 2 asks one of/],
    [{ cases: [{ ...one, set: 'notes/n1' }] }, /case 1 asks one of/],
    [{ cases: [{ ...one, get: 'notes' }] }, /case 1 names a document/],
    [{ cases: [{ ...one, get: 7 }] }, /case 1 says what/],
    [{ cases: [{ ...one, allowed: 'yes' }] }, /case 1 says whether/],
    [{ cases: [{ ...one, as: 7 }] }, /case 1 says who/],
    [{ cases: [{ ...one, __proto__: null, constructor: 1 }] }, /case 1 has an unknown/],
    [{ cases: [{ as: 'ann', find: '', allowed: true }] }, /case 1 /],
  ] as const)
    await expect(runCases(rulesTest(rules), asked, 'file.json'), String(words)).rejects.toMatchObject({
      code: 'SERVER_CONFIGURATION',
      errMsg: expect.stringMatching(words),
    })
})

test('[RULETEST-8] what is open to everybody is said', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-rules-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'rules.json')
  const described = (text: object) => {
    writeFileSync(file, JSON.stringify(text))
    return describeRules(file)
  }
  expect(described(rules).open).toEqual(['nobody may read "closed": it has no rule for "read"'])
  expect(described(rules).rules).toContainEqual({ place: 'functions.*.invoke', rule: 'auth != null' })
  expect(
    described({
      database: { a: 'READONLY', b: { read: true, write: true } },
      storage: { read: true, write: 'auth != null' },
      functions: { f: { invoke: true } },
    }).open,
  ).toEqual([
    'everybody may read all of "a"',
    'everybody may read all of "b"',
    'everybody may create documents of "b"',
    'everybody may update documents of "b"',
    'everybody may delete documents of "b"',
    'everybody may read files',
    'everybody who signed in may replace and delete files of others',
    'everybody may call "f"',
  ])
})

test('[RULETEST-9] the guide’s rules do what the guide’s cases say, and no clause is left out', async () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/guide/rules.md'), 'utf8')
  const block = (name: string) => {
    const found = new RegExp(`\`\`\`json ${name}\\n([\\s\\S]*?)\`\`\``).exec(page)![1]!
    return JSON.parse(found) as object
  }
  const tested = rulesTest(block('rules.json'))
  const results = await runCases(tested, block('rules.test.json'), 'rules.test.json')
  expect(results.flatMap(({ words, wrong }) => (wrong === undefined ? [] : [`${words}: ${wrong}`]))).toEqual(
    [],
  )
  expect(tested.coverage.report()).toMatch(/^100 %/)
})
