import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { startServer } from '../scenario/server.ts'
import { hasGuide, rules } from './listings.ts'

test.runIf(hasGuide)('rules of the guide: who made a document changes it, and an administrator', async () => {
  const [notes, posts, ...more] = rules()
  expect(more).toHaveLength(2)
  const roles = { read: true, write: false }
  const server = await startServer({ rules: { database: { notes, posts, roles } } })
  const [anna, ben] = [await openApp(server), await openApp(server)]
  const verdict = (write: Promise<unknown>) =>
    write.then(
      () => 'accepted',
      ({ code }: { code: string }) => code,
    )
  const wait = 'server'
  for (const name of ['notes', 'posts'] as const) {
    const [hers, his] = [anna, ben].map(app => app.database().collection(name))
    expect(await verdict(hers!.add({ data: { _id: 'a', n: 1 }, wait }))).toBe('accepted')
    expect((await his!.doc('a').get()).data).toMatchObject({ n: 1 })
    expect(await verdict(his!.doc('a').update({ data: { n: 2 }, wait }))).toBe('DATABASE_PERMISSION_DENIED')
    expect(await verdict(hers!.doc('a').update({ data: { n: 3 }, wait }))).toBe('accepted')
  }
  const his = ben.database().collection('posts')
  expect(await verdict(his.doc('a').remove({ wait }))).toBe('DATABASE_PERMISSION_DENIED')
  await server
    .database()
    .collection('roles')
    .add({ data: { _openid: ben.status().openid, role: 'admin' } })
  expect(await verdict(his.doc('a').update({ data: { n: 4 }, wait }))).toBe('accepted')
  expect(await verdict(his.doc('a').remove({ wait }))).toBe('accepted')
})

test.runIf(hasGuide)('rules of the guide for files: everywhere, and below one path', async () => {
  const [, , everywhere, below] = rules()
  const [fileContent, written] = [new Uint8Array([1]), [] as unknown[]]
  for (const storage of [everywhere, below]) {
    const app = await openApp(await startServer({ rules: { database: {}, storage } }))
    for (const cloudPath of ['public/a.bin', 'private/a.bin'])
      written.push(
        await (app.uploadFile({ cloudPath, fileContent } as never) as unknown as Promise<unknown>).then(
          () => cloudPath,
          ({ code }: { code: string }) => code,
        ),
      )
  }
  expect(written).toEqual(['public/a.bin', 'private/a.bin', 'public/a.bin', 'STORAGE_EXCEED_AUTHORITY'])
})
