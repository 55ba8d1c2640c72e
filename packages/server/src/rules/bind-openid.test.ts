import type { Filter, Query } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { bindOpenid } from './bind-openid.ts'

const query = (where: Filter): Query => ({ collection: 'c', where, orderBy: [], skip: 0 })

test('{openid} among the values of a where is the openid of the user who asks', () => {
  const where: Filter = [
    'and',
    [
      ['field', '_openid', ['eq', '{openid}']],
      ['field', 'members', ['in', ['{openid}', 'bob']]],
      [
        'or',
        [
          [
            'field',
            'a',
            [
              'not',
              [
                'or',
                [
                  ['neq', '{openid}'],
                  ['exists', true],
                ],
              ],
            ],
          ],
        ],
      ],
      ['field', 'pair', ['eq', { by: '{openid}', list: [1, '{openid}'] }]],
    ],
  ]
  expect(bindOpenid(query(where), { kind: 'user', openid: 'ann' }).where).toEqual(
    JSON.parse(JSON.stringify(where).replaceAll('{openid}', 'ann')),
  )
})

test('a query without it stays the same object, and only users have one', () => {
  const plain = query(['field', '{openid}', ['eq', 'x{openid}']])
  expect(bindOpenid(plain, { kind: 'user', openid: 'ann' })).toBe(plain)
  const asking = query(['field', '_openid', ['eq', '{openid}']])
  expect(bindOpenid(asking, { kind: 'stranger' })).toBe(asking)
  expect(bindOpenid(asking, { kind: 'function', name: 'f', openid: 'ann', depth: 0 })).toBe(asking)
})
