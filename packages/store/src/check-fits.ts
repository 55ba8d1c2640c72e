import { CloudError, limits, utf8Length } from '@nearcloud/protocol'

/** Throws VALUE_REFUSED for an entry whose mutation no frame can carry: it would stand in the outbox for ever. */
export function checkFits(text: string): void {
  const most = limits.frameBytes - frameSpareBytes
  if (text.length * 3 <= most || utf8Length(text) <= most) return
  throw new CloudError('VALUE_REFUSED', {
    errMsg: `one commit holds at most ${most} bytes: split it`,
    details: { reason: 'too large' },
  })
}

/** For what is around a mutation in its frame. */
const frameSpareBytes = 1_024
