import { mutant } from './mutant.ts'

const device = 'client/src/identity/device.ts'
const signIn = 'client/src/identity/sign-in.ts'
const instance = 'client/src/instance.ts'

/** Several users of one device. */
export const ofUsers = [
  mutant(
    'client: what one user wrote is sent by the next',
    [device, "return slot === '' ? storeName", "return slot !== 'none' ? storeName"],
    [instance, 'known !== undefined && known !== openid', 'known === openid && known === undefined'],
  ),
  mutant(
    'client: what an anonymous user wrote last is not merged',
    [signIn, 'while (isUndecided(instance.undecided))', 'while (false)'],
    [signIn, 'await sync.whenSynced()\n', ''],
    [signIn, 'if (isUndecided(left))', 'if (left.writes > 1_000)'],
  ),
  mutant('client: what was discarded stays on the device', [
    signIn,
    '            wiping: [...wiping, before.slot],',
    '            wiping,',
  ]),
  mutant('client: what was to be kept is removed', [
    signIn,
    '      default:\n        await device.become(common)\n',
    '      default:\n        await device.become({\n          ...common,\n          change: ({ users, wiping }) => ({ users: users.filter(each => each.slot !== before.slot), wiping: [...wiping, before.slot] }),\n        })\n',
  ]),
  mutant('client: who signs out loses what they have', [
    'client/src/identity/auth.ts',
    '            wipe\n              ? {',
    '            wipe || true\n              ? {',
  ]),
  mutant('client: a merger is given up when the connection breaks', [
    device,
    'if (isPassing(error)) return\n',
    '',
  ]),
  mutant('client: a user whose session has ended is taken for an anonymous one', [
    instance,
    'isNamed: openid !== undefined,',
    'isNamed: false,',
  ]),
  mutant(
    'client: what was asked waits for ever when users change',
    ['client/src/identity/seat.ts', "this.#end(({ kind }) => kind !== 'write')", ''],
    ['client/src/identity/seat.ts', 'this.#end(() => true)', ''],
  ),
  mutant('client: a switch that storage refused has happened', [
    'client/src/identity/register.ts',
    'const written = await this.#storage.append(',
    'this.#state = state\n    const written = await this.#storage.append(',
  ]),
  mutant('server: a merger leaves one document behind', [
    'server/src/auth/mergers.ts',
    'if (ids.length === 0) continue',
    'if (ids.length <= 1) continue',
  ]),
  mutant('server: who asks for a merger once more is refused', [
    'server/src/auth/users.ts',
    "if (row.gone === 'merged' && row.into === into) return",
    '',
  ]),
  mutant(
    'client: files of an anonymous user are not awaited by a merger',
    [signIn, 'return writes + files + calls > 0', 'return writes + calls > 0'],
    [signIn, '        await uploads.whenEmpty()\n', ''],
  ),
  mutant('client: files of all users wait in one place', [
    instance,
    'platform.storage(filesOf(storeName))',
    'platform.storage(filesOf(setting.storeName))',
  ]),
  mutant('client: files of a removed user stay on the device', [
    device,
    'for (const name of [storeName, filesOf(storeName)])',
    'for (const name of [storeName])',
  ]),
]
