import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CloudError, type ErrorData, errorFromData } from '@nearcloud/protocol'
import { Accounts } from '../auth/passwords/accounts.ts'
import { openTokens } from '../auth/tokens.ts'
import { type UserAdmin, userAdmin } from '../auth/user-admin.ts'
import { Users } from '../auth/users.ts'
import { LiveEnvironment } from '../commit/live-environment.ts'
import { isHeldError, openDataFolder } from '../data-folder.ts'
import { SqliteEngine } from '../engine/sqlite-engine.ts'
import { systemClock, systemRandom } from '../host.ts'
import { createJudge } from '../rules/create-judge.ts'
import { parseRules } from '../rules/rules-file.ts'
import { askOperator, type OperatorPlace } from './ask-operator.ts'

/** What an operator asks by the command: an act of `UserAdmin` and what it is called with. */
export interface OperatorAsk {
  readonly act: OperatorAct
  readonly with: readonly unknown[]
}

export const operatorActs = ['add', 'setPassword', 'list', 'delete', 'endSessions', 'createTicket'] as const
export type OperatorAct = (typeof operatorActs)[number]
export type OperatorUsers = Pick<UserAdmin, OperatorAct>

/**
 * Does something about the users in a data folder: by the server that runs on it, which closes conversations at once, or without
 * one. Who may read the folder's keys may do it.
 *
 * Throws SERVER_CONFIGURATION, in one sentence, when there is no data, or the server does not answer, or has another environment; and what
 * `work` does.
 */
export async function usersAsOperator<T>(
  place: OperatorPlace,
  work: (users: OperatorUsers) => Promise<T>,
): Promise<T> {
  const path = resolve(place.dataFolder)
  if (!existsSync(join(path, 'nearcloud.db')))
    throw new CloudError('SERVER_CONFIGURATION', {
      errMsg: `there is no data in ${path}: start the server once, or name the folder it keeps its data in`,
    })
  let folder: ReturnType<typeof openDataFolder>
  try {
    folder = openDataFolder(path)
  } catch (thrown) {
    if (!isHeldError(thrown)) throw thrown
    return work(usersOf(place))
  }
  const closers: (() => unknown)[] = [() => folder.release()]
  try {
    const tokens = await openTokens(path, systemClock, systemRandom)
    const engine = new SqliteEngine({ file: folder.database, random: systemRandom })
    closers.unshift(() => engine.close())
    const judge = createJudge(parseRules('{}', 'rules.json'), () => Date.now())
    const environment = new LiveEnvironment({
      env: place.env ?? 'default',
      engine,
      clock: systemClock,
      judge,
    })
    closers.unshift(() => environment.close())
    const users = await Users.open({ environment, tokens, clock: systemClock, isServing: false })
    const accounts = new Accounts({ environment, users, clock: systemClock, random: systemRandom })
    return await work(userAdmin(users, accounts))
  } finally {
    for (const close of closers) await close()
  }
}

/** The users of the server that runs on a folder. */
function usersOf(place: OperatorPlace): OperatorUsers {
  const ask = async (act: OperatorAct, ...args: readonly unknown[]) => {
    const answer = (await askOperator(place, 'users', { act, with: args })) as {
      readonly result?: unknown
      readonly error?: ErrorData
    }
    if (answer.error) throw errorFromData(answer.error)
    return answer.result as never
  }
  return {
    add: (username, password) => ask('add', username, password),
    setPassword: (username, password) => ask('setPassword', username, password),
    list: () => ask('list'),
    delete: name => ask('delete', name),
    endSessions: uid => ask('endSessions', uid),
    createTicket: (uid, options = {}) => ask('createTicket', uid, options),
  }
}
