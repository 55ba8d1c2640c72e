import { CloudError, errorFromData, parseJson, textFromUtf8 } from '@nearcloud/protocol'
import type { Device } from './device.ts'
import { usernameOf } from './login-state.ts'
import type { PasswordChange, PasswordCredentials } from './password.ts'
import { exchange, type SignInResult, signInByTicket, unreachable } from './sign-in.ts'

/** Signs in, or makes an account and signs in. Rejects as `signInByTicket` does, and with what the server says. */
export function signInByPassword(
  device: Device,
  door: 'sign-in' | 'sign-up',
  { username, password, anonymousData }: PasswordCredentials,
): Promise<SignInResult> {
  const ticket = () => ticketFor(device, `password/${door}`, { username, password })
  return signInByTicket(device, ticket, anonymousData === undefined ? {} : { anonymousData })
}

/**
 * Another password for the active user, in turn. All other sessions end; this one goes on by a new token. Meanwhile it has no
 * connection, so that it does not hear of its own end.
 */
export function changePassword(
  device: Device,
  { old_password: password, new_password: newPassword }: PasswordChange,
): Promise<void> {
  return device.inTurn(async () => {
    const { user } = device
    const username = user?.uid === undefined ? undefined : usernameOf(user.uid)
    if (username === undefined)
      throw invalid('setPassword', 'the active user has not signed in by a password')
    const { instance } = await device.seat.opening
    instance.sync.goOffline()
    try {
      const ticket = await device.unlessClosed(
        ticketFor(device, 'password/change', { username, password, newPassword }),
      )
      const { openid, token } = await device.unlessClosed(exchange(device, ticket))
      if (openid !== user!.openid)
        throw invalid('setPassword', 'this name is another user’s by now: sign in again')
      await instance.sync.signInAgain(token)
    } finally {
      if (device.isOfflineByChoice) instance.sync.goOffline()
      else instance.sync.goOnline()
    }
  })
}

/** What the server gives for a password, or for the token of an issuer. Rejects with OFFLINE when it is not reached. */
export async function ticketFor(
  device: Device,
  door: 'token' | `password/${'sign-in' | 'sign-up' | 'change'}`,
  body: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { platform, setting, isOfflineByChoice } = device
  for (const text of Object.values(body))
    if (typeof text !== 'string' || text === '') throw invalid('signIn', 'username, password, token: texts')
  if (isOfflineByChoice) throw unreachable()
  const { status, body: bytes } = await platform.request({
    method: 'POST',
    url: `${setting.endpoint}/auth/${door}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    timeoutMs: answerMs,
    mostBytes: 16_384,
  })
  const { ticket, code, errMsg, details } = answerFrom(bytes)
  if (status === 200 && typeof ticket === 'string') return ticket
  if (status === 404) throw invalid('signIn', 'nobody signs in so at this server')
  if (typeof code === 'string' && typeof errMsg === 'string') throw errorFromData({ code, errMsg, details })
  // what stands between may answer as it likes
  throw new CloudError('OFFLINE', { errMsg: `signIn:fail the server is not reached: HTTP ${status}` })
}

function answerFrom(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = parseJson(textFromUtf8(bytes), 8)
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function invalid(api: string, words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: `${api}:fail ${words}` })
}

/** A server that many sign in to at once lets them wait. */
const answerMs = 30_000
