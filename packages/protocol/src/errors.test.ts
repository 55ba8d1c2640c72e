import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  CloudError,
  type ErrorCode,
  errorFromData,
  errorNumbers,
  isErrorCode,
  toCloudError,
} from './errors.ts'

/** One line for each code that was ever published: `CODE number`. Lines are added, never changed or taken away. */
const published = readFileSync(new URL('./error-codes.txt', import.meta.url), 'utf8')

test('[ERROR-1] every code that was ever published is still there with its number', () => {
  const now = errorNumbers as Readonly<Record<string, number>>
  for (const line of published.trim().split('\n')) {
    const [code, number] = line.split(' ') as [string, string]
    expect(`${code} ${now[code]}`).toBe(`${code} ${number}`)
  }
})

test('[ERROR-1] a new code is published before it is used: it has its line in error-codes.txt', () => {
  const lines = Object.entries(errorNumbers).map(([code, number]) => `${code} ${number}`)
  expect(published.trim().split('\n').sort()).toEqual(lines.sort())
})

test('[ERROR-2] an error carries its code, its number and its words in the original’s fields', () => {
  const error = new CloudError('DATABASE_PERMISSION_DENIED', { errMsg: 'no', details: { rule: 'false' } })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ errCode: -502003, errMsg: 'no', message: 'no', details: { rule: 'false' } })
})

test('[ERROR-3] code, words and details travel; the cause stays home', () => {
  const error = new CloudError('STORE_FAILED', {
    errMsg: 'disk',
    details: { a: 1 },
    cause: new Error('secret'),
  })
  const text = JSON.stringify(error)
  expect(text).toBe('{"code":"STORE_FAILED","errMsg":"disk","details":{"a":1}}')
  expect(errorFromData(JSON.parse(text))).toMatchObject({
    code: 'STORE_FAILED',
    errMsg: 'disk',
    details: { a: 1 },
  })
})

test('[ERROR-4] a code from a newer side becomes SYS_ERR and keeps its name', () => {
  for (const code of ['FROM_THE_FUTURE', 'toString', '__proto__', '']) {
    expect(isErrorCode(code)).toBe(false)
    expect(errorFromData({ code, errMsg: 'm', details: 'text' })).toMatchObject({
      code: 'SYS_ERR',
      details: { code },
    })
  }
})

test('[ERROR-5] anything thrown can be read as an error', () => {
  const mine = new CloudError('OFFLINE', { errMsg: 'x' })
  expect(toCloudError(mine)).toBe(mine)
  const host = new TypeError('host')
  expect(toCloudError(host, 'db.get:fail')).toMatchObject({
    code: 'SYS_ERR',
    errMsg: 'db.get:fail: host',
    cause: host,
  })
  expect(toCloudError('text')).toMatchObject({ code: 'SYS_ERR' satisfies ErrorCode, errMsg: 'text' })
})
