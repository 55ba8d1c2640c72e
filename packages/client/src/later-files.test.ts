import { expect, test } from 'vitest'
import type { FileWork } from './files.ts'
import { laterFiles, part } from './later-files.ts'

test('what cannot be loaded without a network is OFFLINE, and is loaded when there is one', async () => {
  let isOnline = false
  let made = 0
  const files = laterFiles(async () => {
    const { urls } = await part(
      'files',
      isOnline ? Promise.resolve(work) : Promise.reject(new Error('Failed to fetch')),
    )
    made++
    return { urls } as unknown as FileWork
  })
  const work = { urls: async (asked: readonly unknown[]) => asked.map(each => ({ of: each })) }
  const refused = await files.urls([{ fileID: 'a' }]).catch((thrown: unknown) => thrown)
  expect(refused).toMatchObject({
    code: 'OFFLINE',
    errMsg: expect.stringContaining('files could not be loaded'),
  })
  isOnline = true
  expect(await files.urls([{ fileID: 'a' }])).toEqual([{ of: { fileID: 'a' } }])
  expect(await files.urls([{ fileID: 'b' }])).toEqual([{ of: { fileID: 'b' } }])
  expect(made).toBe(1)
})
