import { CloudError } from '@nearcloud/protocol'
import { type SignedIn as Answer, signIn } from '@nearcloud/sync/sign-in'
import type { Instance, Undecided } from '../instance.ts'
import type { Device, Merged, Next } from './device.ts'
import { here, type LoginState, loginStateOf } from './login-state.ts'
import type { DeviceUser } from './register.ts'

/** What happens to what the anonymous user has when somebody signs in by name. */
export const anonymousChoices = ['keep', 'merge', 'discard'] as const
export type AnonymousChoice = (typeof anonymousChoices)[number]

export interface SignInOptions {
  /**
   * `keep`: it stays the anonymous user's, on this device and on the server, for when they return. `merge`: the server gives
   * it to the one who signs in, after everything has been sent as the anonymous user. `discard`: it is removed from this
   * device, writes the server has not seen included. Default `keep`, but for writes the server has not decided: then
   * somebody has to choose.
   */
  readonly anonymousData?: AnonymousChoice
}

export interface SignInResult extends LoginState {
  /** What became of the anonymous user's data; absent when somebody else was active. */
  readonly anonymousData?:
    | { readonly choice: 'keep' }
    /** `pending`: it goes on with the next connection, and the event `merged` tells. */
    | ({ readonly choice: 'merge' } & (Merged | { readonly pending: true }))
    /** What was removed that the server had not decided, and the refused writes that were in `rejections`. */
    | { readonly choice: 'discard'; readonly discarded: Undecided }
}

/**
 * Signs in by a ticket, in turn. Until the server has answered nothing changes; then the one user ends and the other begins, or
 * nothing happens.
 *
 * Rejects with INVALID_PARAM when a choice is missing or makes no sense, OFFLINE, SERVER_TIMEOUT, TOKEN_REFUSED, and as storages do.
 */
export async function signInByTicket(
  device: Device,
  ticket: string | (() => Promise<string> | string),
  options: SignInOptions,
): Promise<SignInResult> {
  const { anonymousData: choice } = options
  if (choice !== undefined && !anonymousChoices.includes(choice))
    throw invalid(`anonymousData is one of ${anonymousChoices.join(', ')}`)
  // before a ticket is made, and again when it is there
  checkChoice(device.user, (await device.seat.opening).instance.undecided, choice)
  const text: unknown = typeof ticket === 'function' ? await ticket() : ticket
  if (typeof text !== 'string' || text === '') throw invalid('a ticket is the text that createTicket gave')
  return device.inTurn(async () => {
    const { seat } = device
    const { instance } = await seat.opening
    const before = device.user!
    checkChoice(before, instance.undecided, choice)
    let answer: Answer
    try {
      if (choice === 'merge') {
        seat.pause()
        await device.unlessClosed(settle(device, instance))
      }
      answer = await device.unlessClosed(exchange(device, text))
    } catch (thrown) {
      seat.resume()
      throw thrown
    }
    if (answer.openid === before.openid) {
      await instance.sync.signInAgain(answer.token)
      return loginStateOf(before, instance)
    }
    const known = device.state!.users.find(({ openid }) => openid === answer.openid)
    const user: DeviceUser = {
      slot: known?.slot ?? device.newSlot(),
      uid: answer.uid,
      openid: answer.openid,
    }
    const common = { user, token: answer.token }
    if (before.uid !== undefined) {
      await device.become(common)
      return here(device)
    }
    switch (choice) {
      case 'merge':
        return merge(device, common, before, instance.store.checkpoint.token!)
      case 'discard': {
        const discarded = await device.become({
          ...common,
          change: ({ users, wiping }) => ({
            users: users.filter(each => each.slot !== before.slot),
            wiping: [...wiping, before.slot],
          }),
        })
        return { ...(await here(device)), anonymousData: { choice, discarded } }
      }
      default:
        await device.become(common)
        return { ...(await here(device)), anonymousData: { choice: 'keep' } }
    }
  })
}

function checkChoice(
  user: DeviceUser | undefined,
  undecided: Undecided,
  choice: AnonymousChoice | undefined,
): void {
  const uid = user?.uid
  if (uid !== undefined) {
    if (choice === undefined) return
    throw invalid(`anonymousData is about an anonymous user, and "${uid}" is the active one`)
  }
  const { writes, files, calls } = undecided
  if (choice !== undefined || !isUndecided(undecided)) return
  throw new CloudError('INVALID_PARAM', {
    errMsg: `signIn:fail the anonymous user has ${writes} writes, ${files} files and ${calls} calls that the server has not decided. Say with anonymousData what happens to them: "keep" (they stay theirs, on this device), "merge" (they are sent, then all of it is given to the one who signs in) or "discard" (they are removed)`,
    details: { writes, files, calls, choices: anonymousChoices },
  })
}

/** What was refused is decided. */
function isUndecided({ writes, files, calls }: Undecided): boolean {
  return writes + files + calls > 0
}

/** Everything of the anonymous user is decided under its own name. Rejects when that cannot be, or something was refused. */
async function settle(device: Device, instance: Instance): Promise<void> {
  const { sync, uploads, queuedCalls } = instance
  if (sync.state === 'offline') throw unreachable()
  let stop: () => void = () => undefined
  let cancel: () => void = () => undefined
  const broken = new Promise<never>((_, reject) => {
    stop = sync.on('offline', () => reject(unreachable()))
    cancel = device.platform.clock.after(settleMs, () => reject(unreachable()))
  })
  try {
    const decided = async () => {
      do {
        await sync.whenSynced()
        await uploads.whenEmpty()
        await queuedCalls.whenEmpty()
      } while (isUndecided(instance.undecided))
    }
    await Promise.race([decided(), broken])
  } finally {
    stop()
    cancel()
  }
  const { rejections } = instance.undecided
  if (rejections > 0)
    throw invalid(
      `the server has refused ${rejections} writes of the anonymous user: retry or discard what is in cloud.rejections, then merge`,
    )
}

async function merge(
  device: Device,
  common: Pick<Next, 'user'> & { readonly token: string },
  before: DeviceUser,
  token: string,
): Promise<SignInResult> {
  const { slot } = before
  const merged = device.mergerOf(slot)
  merged.catch(() => undefined) // it may come when nobody waits any more
  await device.become({
    ...common,
    change({ users, merging }, left) {
      if (isUndecided(left))
        throw invalid(
          `${left.writes} writes, ${left.files} files and ${left.calls} calls came in between: sign in once more`,
        )
      return {
        users: users.filter(each => each.slot !== slot),
        merging: [...merging, { slot, token, into: common.user.openid! }],
      }
    },
  })
  let cancel: () => void = () => undefined
  const late = new Promise<{ pending: true }>(resolve => {
    cancel = device.platform.clock.after(mergeMs, () => resolve({ pending: true }))
  })
  const result = await device.unlessClosed(Promise.race([merged, late])).finally(() => cancel())
  return { ...(await here(device)), anonymousData: { choice: 'merge', ...result } }
}

/** Uses a ticket up, and changes nothing here. Rejects with OFFLINE, SERVER_TIMEOUT, TOKEN_REFUSED. */
export async function exchange(device: Device, ticket: string): Promise<Answer> {
  if (device.isOfflineByChoice) throw unreachable()
  const { platform, setting } = device
  return signIn({
    transport: device.newTransport(),
    clock: platform.clock,
    env: setting.env,
    ticket,
  })
}

export function unreachable(): CloudError {
  return new CloudError('OFFLINE', {
    errMsg:
      'signIn:fail signing in as a new user needs the server, and it is not reached: nothing has changed. Users who are on this device already can be switched to',
  })
}

function invalid(words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: `signIn:fail ${words}` })
}

const settleMs = 60_000
const mergeMs = 20_000
