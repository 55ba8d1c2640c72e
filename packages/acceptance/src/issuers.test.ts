import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { testProject } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'
import { openTapped } from './scenario/tapped-app.ts'
import { until } from './scenario/until.ts'

const rules = {
  database: {
    notes: 'PRIVATE',
    reports: { read: "'editor' in auth.roles", write: "'editor' in auth.roles" },
  },
}

/** A provider that says who somebody is, and in which roles. */
async function openProvider() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA' }
  const http = createHttpServer((_, response) => void response.end(JSON.stringify({ keys: [jwk] })))
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void http.close())
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
  const tokenFor = (sub: string, roles: readonly string[]) => {
    const exp = Math.floor(Date.now() / 1000) + 600
    const signed = `${part({ alg: 'EdDSA', kid: 'k' })}.${part({ iss: issuer, aud: 'app', sub, exp, roles })}`
    return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
  }
  return { issuer, tokenFor }
}

test('[ISSUER-10] [ISSUER-1] [SIGNIN-18] a token signs in, anonymous notes come along, and its roles say what may be read', async () => {
  const { issuer, tokenFor } = await openProvider()
  const issuers = [{ name: 'acme', issuer, audience: 'app', jwksUrl: `${issuer}/keys`, rolesClaim: 'roles' }]
  const server = await startServer({ rules, project: testProject(rules), issuers })
  await server
    .database()
    .collection('reports')
    .add({ data: { _id: 'r1', text: 'for editors' } })
  const { cloud } = await openTapped(server)
  const auth = cloud.auth()
  const reports = () =>
    cloud
      .database()
      .collection('reports')
      .get()
      .then(
        ({ data }) => data.map(({ _id }) => _id),
        (thrown: { code: string }) => thrown.code,
      )
  await cloud
    .database()
    .collection('notes')
    .add({ data: { _id: 'n1' } })
  await cloud.whenSynced()
  expect(await reports()).toBe('DATABASE_PERMISSION_DENIED')
  const state = await auth.signInWithToken(tokenFor('ann', ['editor']), { anonymousData: 'merge' })
  expect(state).toMatchObject({ user: { uid: 'acme:ann' }, anonymousData: { choice: 'merge', documents: 1 } })
  await cloud.whenSynced()
  expect((await cloud.database().collection('notes').get()).data).toMatchObject([{ _id: 'n1' }])
  expect(await reports()).toEqual(['r1'])

  // the same user signs in elsewhere, and is no editor any more: this device notices
  const watched: number[] = []
  cloud
    .database()
    .collection('reports')
    .watch({ onChange: ({ docs }) => void watched.push(docs.length), onError: () => void watched.push(-1) })
  await until('the watch shows the report', () => watched.at(-1) === 1)
  const other = await openTapped(server)
  await other.cloud.auth().signInWithToken(tokenFor('ann', []), { anonymousData: 'discard' })
  await until('the report is gone', () => watched.at(-1) !== 1)
  await server
    .database()
    .collection('reports')
    .add({ data: { _id: 'r2', text: 'SECRET' } })
  expect(await reports()).not.toContain('r2')

  await expect(auth.signInWithToken('a.b.c')).rejects.toMatchObject({
    code: 'TOKEN_REFUSED',
    details: { reason: 'invalid' },
  })
  await expect(auth.signInWithToken(7 as never)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  expect(auth.currentUser).toMatchObject({ uid: 'acme:ann' })
})
