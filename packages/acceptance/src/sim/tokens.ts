import { createHash } from 'node:crypto'
import type { Millis } from '@nearcloud/protocol'
import { refused, type Tokens } from '@nearcloud/server/testing'

/** Tokens that say in plain words who they are for, and how long; those of nobody with a name last. */
export function openTokens(now: () => Millis, expired: () => void): Tokens {
  let [users, tickets] = [0, 0]
  const check = (expires: number) => {
    if (now() < expires) return
    expired()
    throw refused('expired')
  }
  const read: Tokens['read'] = async (purpose, env, token) => {
    const [its, of, openid, expires, round, ...link] = token.split('/')
    if (its !== purpose || of !== env || !openid) throw refused('invalid')
    if (expires === undefined) return { openid, round: 0 }
    check(Number(expires))
    const [session, id, number, parent] = link
    if (purpose === 'access') return { openid, round: Number(round), session: session! }
    return { openid, round: Number(round), link: [session!, id!, Number(number), parent!] }
  }
  return {
    newOpenid: () => `guest${++users}`,
    async sign(purpose, env, openid, lifeMs = longMs, round = 0, link) {
      const name = `${purpose}/${env}/${openid}`
      return link ? `${name}/${now() + lifeMs}/${round}/${link.join('/')}` : name
    },
    read,
    verify: async (purpose, env, token) => (await read(purpose, env, token)).openid,
    async signTicket(env, { uid, generation, sessionMs, round = 0 }) {
      return `ticket/${env}/${++tickets}/${uid}/${generation}/${sessionMs}/${round}/${now() + ticketMs}`
    },
    async verifyTicket(env, ticket) {
      const [its, of, id, uid, ...numbers] = ticket.split('/')
      if (its !== 'ticket' || of !== env || !id || !uid) throw refused('invalid')
      const [generation, sessionMs, round, expires] = numbers.map(Number) as [number, number, number, number]
      check(expires)
      return { id, uid, generation, sessionMs, round, expires }
    },
    seal: sealOf,
    isSealed: (text, mark) => sealOf(text) === mark,
  }
}

/** In the form of a real one, without a secret. */
function sealOf(text: string): string {
  const digest = createHash('sha256').update(text)
  return `0123456789ab.${digest.digest('base64url')}`
}

export function tokenOf(openid: string): string {
  return `session/sim/${openid}`
}

const ticketMs = 300_000
const longMs = 7_200_000
