import { generateKeyPairSync } from 'node:crypto'
import tcb from '@cloudbase/node-sdk'
import { expect, test, vi } from 'vitest'
import { startServer } from '../scenario/server.ts'
import { openTapped } from '../scenario/tapped-app.ts'

vi.stubEnv('TENCENTCLOUD', 'true')

test('[SIGNIN-20] a ticket that @cloudbase/node-sdk made with a private key signs in here, once', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const [pem, mine] = [
    publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  ]
  const server = await startServer({ rules: {}, customLogin: [{ keyId: 'a1b2-c3', publicKey: pem }] })
  const credentials = { private_key_id: 'a1b2-c3', private_key: mine, env_id: server.env }
  const app = tcb.init({ env: server.env, credentials } as never)
  const ticket = app.auth().createTicket('anna#1', { refresh: 3_600_000 })
  expect(ticket).toContain('a1b2-c3/@@/')

  const { cloud } = await openTapped(server)
  await cloud.auth().signInWithCustomTicket(ticket, { anonymousData: 'discard' })
  expect(cloud.auth().currentUser).toMatchObject({ uid: 'anna#1', isAnonymous: false })
  expect(await server.users.find('anna#1')).toBe(cloud.auth().currentUser!.openid)

  const thief = await openTapped(server)
  await expect(thief.cloud.auth().signInWithCustomTicket(ticket)).rejects.toMatchObject({
    code: 'TOKEN_REFUSED',
    details: { reason: 'used' },
  })
  // a server that was told of no key takes none
  const closed = await startServer({ rules: {} })
  const { cloud: stranger } = await openTapped(closed)
  await expect(
    stranger.auth().signInWithCustomTicket(app.auth().createTicket('anna#1')),
  ).rejects.toMatchObject({ code: 'TOKEN_REFUSED', details: { reason: 'invalid' } })
})
