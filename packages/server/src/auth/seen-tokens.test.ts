import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { SeenTokens } from './seen-tokens.ts'

/** Tokens are `openid/expires`; how often one was verified is counted. */
function open(most?: number) {
  const clock = new ManualClock(0)
  const verified: string[] = []
  const ended = new Set<string>()
  const refused = () => new CloudError('TOKEN_REFUSED', { errMsg: 'no' })
  const tokens = new SeenTokens(
    {
      async shown(_, token) {
        verified.push(token)
        const [openid = '', expires] = token.split('/')
        if (!(clock.now() < Number(expires))) throw refused()
        return { openid, round: 0, expires: Number(expires) }
      },
      async known(openid) {
        if (ended.has(openid)) throw refused()
        return openid === 'anna' ? { uid: 'pw:anna' } : {}
      },
    },
    clock,
    most,
  )
  return { tokens, clock, verified, ended }
}

test('[AUTH-7] a token that is shown again is verified once, and not taken a moment longer than it lasts', async () => {
  const { tokens, clock, verified } = open()
  const anna = { kind: 'user', openid: 'anna', uid: 'pw:anna' }
  expect(await tokens.identify('anna/100')).toEqual(anna)
  clock.advance(99)
  expect(await tokens.identify('anna/100')).toEqual(anna)
  expect(verified).toEqual(['anna/100'])
  clock.advance(1)
  await expect(tokens.identify('anna/100')).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
})

test('[AUTH-7] one whose user is gone is refused at once, and one that is refused is not kept', async () => {
  const { tokens, ended, verified } = open()
  await tokens.identify('bert/100')
  ended.add('bert')
  await expect(tokens.identify('bert/100')).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
  for (let n = 0; n < 3; n++) await expect(tokens.identify('bert/0')).rejects.toThrow()
  expect(verified).toEqual(['bert/100', 'bert/0', 'bert/0', 'bert/0'])
})

test('[AUTH-7] of many the oldest are verified anew', async () => {
  const { tokens, verified } = open(2)
  for (const token of ['a/9', 'b/9', 'c/9', 'c/9', 'a/9']) await tokens.identify(token)
  expect(verified).toEqual(['a/9', 'b/9', 'c/9', 'a/9'])
})
