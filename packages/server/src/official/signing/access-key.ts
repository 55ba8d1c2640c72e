import type { Buffer } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Signer } from './admission.ts'

/**
 * Who shows a key whole, `Bearer <secretId>.<secretKey>`, as an SDK does that is initialised with an `accessKey`. Undefined for everybody else.
 */
export function bearerOf<Who>(
  authorization: string | undefined,
  signerOf: (secretId: string) => Signer<Who> | undefined,
): Who | undefined {
  const [, secretId, shown] = keyForm.exec(authorization ?? '') ?? []
  const signer = secretId === undefined ? undefined : signerOf(secretId)
  if (!signer || !timingSafeEqual(digest(shown!), digest(signer.secretKey))) return undefined
  return signer.who
}

/** Of one length, whatever was shown. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}

const keyForm = /^Bearer ([\w-]{1,200})\.([\w-]{1,200})$/
