import { expect, test } from 'vitest'
import type { Part } from './language.ts'
import { Listener } from './listener.ts'
import type { Moment } from './oracle.ts'
import { Leak, Watch } from './watch.ts'

const isOwner: Part = {
  is: '==',
  left: { is: 'field', of: 'doc', path: ['owner'] },
  right: { is: 'claim', name: 'openid' },
}
const ann = new Listener('http://nowhere', '', '', { openid: 'ann' })

function momentOf(owner: string, secret: string): Moment {
  return {
    laws: { database: { alpha: { read: isOwner } }, storage: 'PRIVATE', filePaths: {}, schemas: {} },
    documents: new Map([['alpha', new Map([['~d1~', { _id: '~d1~', owner, secret }]])]]),
  }
}

test('[RULEFUZZ-2] a byte that the rules forbid is noticed: what was never readable, and what is not any more', () => {
  const watch = new Watch([ann], momentOf('bob', '~s1~'))
  watch.settle(momentOf('bob', '~s1~'))
  for (const told of ['~s1~', '~d1~', '{"type":"changes","items":[["alpha",1,{"secret":"~s1~"}]]}'])
    expect(() => watch.check(ann, told), told).toThrow(Leak)
  watch.reached(momentOf('ann', '~s2~'))
  expect(() => watch.check(ann, '~s2~ ~d1~')).not.toThrow()
  expect(() => watch.check(ann, '~s1~')).toThrow(Leak)
  watch.reached(momentOf('bob', '~s3~'))
  expect(() => watch.check(ann, '~s2~'), 'it may have been sent before').not.toThrow()
  expect(() => watch.check(ann, '~s3~')).toThrow(Leak)
  watch.settle(momentOf('bob', '~s2~'))
  expect(() => watch.check(ann, '~s2~'), 'now nobody may send it').toThrow(Leak)
  expect(() => watch.check(ann, '~d1~'), 'that it is gone').not.toThrow()
})
