import { CloudError, limits, type Mutation, utf8Length } from '@nearcloud/protocol'
import { entryText } from './records.ts'

/**
 * The mutation and its entry (`retries`: the rejected one it takes the place of): with its guards, or without them when only so it fits a frame. Throws VALUE_REFUSED for one
 * that no frame can carry: it would stand in the outbox for ever.
 */
export function checkFits(
  guarded: Mutation,
  plain: Mutation,
  { retries, amends }: { readonly retries?: string | undefined; readonly amends?: string | undefined } = {},
): { mutation: Mutation; text: string } {
  for (const mutation of [guarded, plain]) {
    const place = { ...(retries !== undefined && { retries }), ...(amends !== undefined && { amends }) }
    const text = entryText({ kind: 'mutation', mutation, ...place })
    if (text.length * 3 <= most || utf8Length(text) <= most) return { mutation, text }
  }
  throw new CloudError('VALUE_REFUSED', {
    errMsg: `one commit holds at most ${most} bytes: split it`,
    details: { reason: 'too large' },
  })
}

/** What is around a mutation in its frame has room. */
const most = limits.frameBytes - 1_024
