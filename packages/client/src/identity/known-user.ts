import { type CloudError, toCloudError } from '@nearcloud/protocol'
import type { SignedIn } from '@nearcloud/sync/sign-in'
import type { Instance } from '../instance.ts'
import type { Device } from './device.ts'
import { exchange, signInByTicket } from './sign-in.ts'

/**
 * Who the host says uses a device that nobody has used yet. Undefined where the host does not know, or it takes too long to
 * wait for: then the device begins with an anonymous user.
 */
export async function firstUser(device: Device, instance: Instance): Promise<SignedIn | undefined> {
  const { platform, state } = device
  const { writes, files, calls } = instance.undecided
  const isEmpty = writes + files + calls === 0
  const isUntouched = state?.users.length === 1 && instance.sync.openid === undefined && isEmpty
  if (!platform.ticket || device.user?.uid !== undefined || !isUntouched) return undefined
  let cancel: () => void = () => undefined
  const late = new Promise<undefined>(resolve => {
    cancel = platform.clock.after(firstMs, () => resolve(undefined))
  })
  const answer = ticketOf(device).then(ticket => exchange(device, ticket))
  // whoever is told by the host is told again with the first connection
  return device.unlessClosed(Promise.race([answer, late])).then(
    known => {
      cancel()
      return known
    },
    () => {
      cancel()
      return undefined
    },
  )
}

/**
 * Signs in whom the host knows, with a connection at hand: the anonymous user of a device that has had no other gives them what it
 * has, and one whose session has ended goes on.
 */
export async function signInKnown(device: Device, failed: (error: CloudError) => void): Promise<void> {
  const { platform, state, user } = device
  if (!platform.ticket || !state || !user) return
  const isFirst = user.uid === undefined && state.users.every(({ uid }) => uid === undefined)
  const hasEnded = user.uid !== undefined && device.seat.instance?.sync.signInNeeded !== undefined
  if (!isFirst && !hasEnded) return
  const choice = isFirst ? ({ anonymousData: 'merge' } as const) : {}
  try {
    await signInByTicket(device, () => ticketOf(device), choice)
  } catch (thrown) {
    const error = toCloudError(thrown)
    if (!isForLater(error)) failed(error)
  }
}

async function ticketOf(device: Device): Promise<string> {
  const { endpoint, env } = device.setting
  return device.platform.ticket!({ endpoint, env })
}

/** Nobody signs in this way, or not now. */
function isForLater({ code, details }: CloudError): boolean {
  return (
    ['OFFLINE', 'SERVER_TIMEOUT', 'CLOSED', 'USER_CHANGED'].includes(code) || details.reason === 'notKnown'
  )
}

/** So long the first start of an app is worth waiting for. */
const firstMs = 3_000
