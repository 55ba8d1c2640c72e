import { type ErrorData, errorFromData } from '@nearcloud/protocol'
import { Accounts } from '../auth/passwords/accounts.ts'
import { openTokens } from '../auth/tokens.ts'
import { type UserAdmin, userAdmin } from '../auth/user-admin.ts'
import { Users } from '../auth/users.ts'
import { systemClock, systemRandom } from '../host.ts'
import { askOperator, type OperatorPlace } from './ask-operator.ts'
import { whereServed } from './where-served.ts'

/** What an operator asks by the command: an act of `UserAdmin` and what it is called with. */
export interface OperatorAsk {
  readonly act: OperatorAct
  readonly with: readonly unknown[]
}

export const operatorActs = [
  ...(['add', 'setPassword', 'list', 'delete', 'endSessions', 'createTicket', 'changeRoles'] as const),
] as const
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
  return whereServed(place, {
    there: () => work(usersOf(place)),
    async here({ folder, environment }) {
      const tokens = await openTokens(folder.path, systemClock, systemRandom)
      const users = await Users.open({ environment, tokens, clock: systemClock, isServing: false })
      const accounts = new Accounts({ environment, users, clock: systemClock, random: systemRandom })
      return work(userAdmin(users, accounts))
    },
  })
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
    changeRoles: async (uid, change) => (await ask('changeRoles', uid, change)) ?? undefined,
  }
}
