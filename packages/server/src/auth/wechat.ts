import { CloudError } from '@nearcloud/protocol'
import type { Users } from './users.ts'

/** A mini program of WeChat: its users sign in by `wx.login`, and functions call the WeChat API as it. */
export interface WechatOptions {
  readonly appId: string
  readonly secret: string
  /** Where the WeChat API is. Default: WeChat's. */
  readonly baseUrl?: string
}

/** Whom a code of the host stands for, as a ticket for one sign-in. */
export interface CodeExchange {
  /**
   * Rejects with INVALID_PARAM, TOKEN_REFUSED (`details.reason` `invalid`: forged, used or expired), EXCEED_REQUEST_LIMIT,
   * SERVER_TIMEOUT (WeChat was not reached), SYS_ERR (it answered nonsense, or refuses this server: the operator is told).
   */
  ticketFor(code: unknown): Promise<string>
}

/**
 * Exchanges codes at WeChat. A user's uid is `wx:` and WeChat's openid, and documents carry that openid itself, as they did in the
 * original.
 */
export function wechatExchange(
  { appId, secret, baseUrl = 'https://api.weixin.qq.com' }: WechatOptions,
  users: Pick<Users, 'createTicket'>,
): CodeExchange {
  let underWay = 0
  return {
    async ticketFor(code) {
      if (typeof code !== 'string' || !codeForm.test(code))
        throw new CloudError('INVALID_PARAM', { errMsg: 'login: code is the text that wx.login gave' })
      if (underWay >= mostUnderWay)
        throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'login: too many sign in at once, try again' })
      underWay++
      try {
        const person = await whoIs(code)
        return await users.createTicket(`wx:${person.openid}`, {}, person)
      } finally {
        underWay--
      }
    },
  }

  async function whoIs(code: string): Promise<{ readonly openid: string; readonly unionid?: string }> {
    const query = new URLSearchParams({
      appid: appId,
      secret,
      js_code: code,
      grant_type: 'authorization_code',
    })
    const answer = await ask(`${baseUrl}/sns/jscode2session?${query}`)
    const { openid, unionid, errcode } = answer
    if (errcode === undefined || errcode === 0) {
      if (typeof openid === 'string' && openidForm.test(openid))
        return { openid, ...(typeof unionid === 'string' && unionidForm.test(unionid) && { unionid }) }
      throw new CloudError('SYS_ERR', { errMsg: 'login: WeChat answered without an openid' })
    }
    if (errcode === -1 || errcode === 45011)
      throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'login: WeChat is busy, try again' })
    if (typeof errcode === 'number' && refusedCodes.includes(errcode))
      throw new CloudError('TOKEN_REFUSED', {
        errMsg: 'login: WeChat refuses this code: call wx.login again',
        details: { reason: 'invalid' },
      })
    throw new CloudError('SYS_ERR', {
      errMsg: `login: WeChat refuses this server (${String(errcode).slice(0, 20)}): look at appId and secret`,
    })
  }
}

/** What WeChat says. Nothing of the request, which holds the secret, gets into an error. */
async function ask(url: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
    if (!response.ok) throw new Error(`status ${response.status}`)
    text = await response.text()
  } catch {
    throw new CloudError('SERVER_TIMEOUT', { errMsg: 'login: WeChat is not reached' })
  }
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null) return { ...answer }
  } catch {
    // told below
  }
  throw new CloudError('SYS_ERR', { errMsg: 'login: WeChat answered with something else' })
}

const codeForm = /^[\w-]{1,128}$/
const openidForm = /^[\w-]{20,28}$/
const unionidForm = /^[\w-]{1,64}$/
/** Invalid, blocked, used. */
const refusedCodes: readonly number[] = [40029, 40226, 40163]
const timeoutMs = 5_000
const mostUnderWay = 100
