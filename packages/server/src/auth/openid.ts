import { Buffer } from 'node:buffer'
import type { RandomBytes } from '@nearcloud/protocol'

/** A new user's name towards the environment: 28 url-safe characters, as WeChat's look, from 162 random bits. */
export function newOpenid(random: RandomBytes): string {
  return `o${Buffer.from(random(21)).toString('base64url').slice(1)}`
}

export function isOpenid(text: unknown): text is string {
  return typeof text === 'string' && openidForm.test(text)
}

const openidForm = /^o[A-Za-z0-9_-]{27}$/
