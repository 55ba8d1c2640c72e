import type { Platform } from '@nearcloud/client'
import { CloudError, errorFromData, parseJson, textFromUtf8 } from '@nearcloud/protocol'
import { type Host, hostWords } from './host.ts'

/**
 * Tickets by the host's login: its code goes to the server, which asks the host's own server whom it stands for. A server that does not
 * do that is not asked again in this run.
 */
export function ticketByLogin(
  host: Host,
  request: Platform['request'],
  isWanted: () => boolean,
): NonNullable<Platform['ticket']> {
  const without = new Set<string>()
  return async ({ endpoint }) => {
    const url = `${endpoint}/auth/${doors[host.name]}`
    if (!isWanted() || without.has(url)) throw notKnown()
    const code = await host.loginCode().catch((cause: unknown) => {
      throw new CloudError('OFFLINE', { errMsg: `login:fail ${hostWords(cause)}`, cause })
    })
    const { status, body } = await request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
      timeoutMs: 10_000,
      mostBytes: 16_384,
    })
    const answer = answerFrom(body)
    if (status === 200 && typeof answer.ticket === 'string') return answer.ticket
    if (status === 404) {
      without.add(url)
      throw notKnown()
    }
    // what stands between may answer as it likes
    if (typeof answer.code !== 'string')
      throw new CloudError('OFFLINE', { errMsg: `login:fail the server is not reached: HTTP ${status}` })
    throw errorFromData({ code: answer.code, errMsg: `login:fail ${String(answer.errMsg)}` })
  }
}

function answerFrom(body: Uint8Array): Record<string, unknown> {
  try {
    const answer: unknown = parseJson(textFromUtf8(body), 8)
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function notKnown(): CloudError {
  return new CloudError('INVALID_PARAM', {
    errMsg: 'login:fail nobody signs in by the host here',
    details: { reason: 'notKnown' },
  })
}

const doors = { wx: 'wechat', my: 'alipay' } as const
