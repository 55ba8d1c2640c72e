import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openTokens } from '../auth/tokens.ts'
import { createServer } from '../create-server.ts'
import { systemRandom } from '../host.ts'
import { ManualClock } from '../testing/index.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { signOperator } from './operator-token.ts'
import { usersAsOperator } from './users-as-operator.ts'

function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-operator-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('[OPERATOR-2] the door takes a token of this folder and environment, within a minute, and shows itself to nobody else', async () => {
  const [dataFolder, other] = [testFolder(), testFolder()]
  const clock = new ManualClock()
  const server = await createServer({ dataFolder, clock, judge: new OpenJudge() })
  onTestFinished(() => server.stop())
  const tokens = await openTokens(dataFolder, clock, systemRandom)
  await openTokens(other, clock, systemRandom)
  const ask = async (token: string, body: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/operator/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, ...headers },
      body,
    })
    return answer.status === 200 ? answer.json() : answer.status
  }
  const list = JSON.stringify({ act: 'list', with: [] })
  const good = await signOperator(dataFolder, 'default', clock, systemRandom)
  expect(await ask(good, list)).toEqual({ result: [] })
  expect(await ask(good, list, { origin: server.url })).toBe(404)
  expect(await ask(await signOperator(dataFolder, 'other', clock, systemRandom), list)).toBe(404)
  expect(await ask(await signOperator(other, 'default', clock, systemRandom), list)).toBe(404)
  expect(await ask(await tokens.sign('session', 'default', tokens.newOpenid()), list)).toBe(404)
  expect(await ask('x'.repeat(10_000), list)).toBe(404)
  for (const odd of [
    '{}',
    '[]',
    'null',
    '7',
    'x',
    '{"act":"constructor","with":[]}',
    '{"act":"list"}',
    'x'.repeat(10_000),
  ])
    expect(await ask(good, odd), odd).toMatchObject({ error: { code: expect.any(String) } })
  for (const name of ['null', '7', '{}', '{"uid":7}', '{"openid":["x"]}'])
    expect(await ask(good, `{"act":"delete","with":[${name}]}`), name).toMatchObject({
      error: { code: 'INVALID_PARAM' },
    })
  clock.advance(61_000)
  expect(await ask(good, list)).toBe(404)
})

test('[OPERATOR-3] where there is no data, or a server that does not answer, that is one sentence', async () => {
  const dataFolder = testFolder()
  await expect(usersAsOperator({ dataFolder }, users => users.list())).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringContaining('there is no data'),
  })
  const server = await createServer({ dataFolder, judge: new OpenJudge() })
  const real = globalThis.fetch
  onTestFinished(() => {
    globalThis.fetch = real
    return server.stop()
  })
  for (const answer of [
    () => Promise.reject(new Error('refused')),
    async () => new Response('x', { status: 502 }),
  ]) {
    globalThis.fetch = answer
    await expect(usersAsOperator({ dataFolder }, users => users.list())).rejects.toMatchObject({
      code: 'SERVER_CONFIGURATION',
      errMsg: expect.stringMatching(/^no server of .* answers/),
    })
  }
})
