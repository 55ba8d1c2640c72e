import { expect, test } from 'vitest'
import { bindOpenid } from './bind-openid.ts'
import type { Filter, Query } from './types.ts'

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
  expect(bindOpenid(query(where), 'ann').where).toEqual(
    JSON.parse(JSON.stringify(where).replaceAll('{openid}', 'ann')),
  )
})

test('a query without it stays the same object, and a field of that name stays a field', () => {
  const plain = query(['field', '{openid}', ['eq', 'x{openid}']])
  expect(bindOpenid(plain, 'ann')).toBe(plain)
})

test('it is bound in conditions on elements too, and there as well a field of that name stays a field', () => {
  const where: Filter = [
    'and',
    [
      ['field', 'members', ['all', ['bob', '{openid}']]],
      ['field', 'members', ['not', ['elemMatch', { is: ['eq', '{openid}'] }]]],
      ['field', 'roles', ['elemMatch', { where: ['field', 'by', ['eq', '{openid}']] }]],
    ],
  ]
  expect(bindOpenid(query(where), 'ann').where).toEqual(
    JSON.parse(JSON.stringify(where).replaceAll('{openid}', 'ann')),
  )
  const plain = query(['field', 'a', ['elemMatch', { where: ['field', '{openid}', ['size', 1]] }]])
  expect(bindOpenid(plain, 'ann')).toBe(plain)
})
