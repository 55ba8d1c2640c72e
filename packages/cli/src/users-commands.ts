import { type OperatorUsers, usersAsOperator } from '@nearcloud/server'
import { type ArgsDef, type CommandDef, defineCommand } from 'citty'
import { checkNames, place, placeOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'

/** `nearcloud users …`: who has a name, also while the server runs. */
export function usersCommands(host: Host): Record<UsersVerb, CommandDef> {
  return {
    add: command(host, verbs.add, async (users, name, password) => {
      const uid = await users.add(name, password)
      host.out(`${uid} signs in as "${uid.slice(3)}".`)
    }),
    password: command(host, verbs.password, async (users, name, password) => {
      if (!(await users.setPassword(name, password)))
        throw new UsageError(
          `nobody signs in as "${name}" by a password; "nearcloud users add ${name}" makes an account.`,
        )
      host.out('The password is changed. The user is signed out everywhere.')
    }),
    list: command(host, verbs.list, async users => {
      const found = await users.list()
      for (const { uid, openid, since, roles = [] } of found)
        host.out(
          [
            uid,
            openid ?? 'has not signed in',
            since === undefined ? '' : new Date(since).toISOString(),
            roles.join(' '),
          ]
            .join('\t')
            .trimEnd(),
        )
      if (found.length === 0) host.out('Nobody has a name yet.')
    }),
    delete: command(host, verbs.delete, async (users, uid) => {
      if (!(await users.delete({ uid }))) throw await unknown(users, uid)
      host.out(
        `${uid} is deleted and signed out everywhere. What it owned stays, with an owner that nobody is.`,
      )
    }),
    roles: command(host, verbs.roles, async (users, uid) => {
      const user = (await users.list()).find(each => each.uid === uid)
      if (!user) throw await unknown(users, uid)
      for (const role of user.roles ?? []) host.out(role)
      if (!user.roles) host.err(`${uid} has no role.`)
    }),
    grant: command(host, verbs.grant, (users, uid, _, grant) => changeRoles(users, uid, { grant })),
    revoke: command(host, verbs.revoke, (users, uid, _, revoke) => changeRoles(users, uid, { revoke })),
    'sign-out': command(host, verbs['sign-out'], async (users, uid) => {
      if (!(await users.endSessions(uid))) throw await unknown(users, uid)
      host.out(`${uid} is signed out everywhere.`)
    }),
  }

  async function changeRoles(
    users: OperatorUsers,
    uid: string,
    change: Parameters<OperatorUsers['changeRoles']>[1],
  ): Promise<void> {
    const roles = await users.changeRoles(uid, change)
    if (!roles) throw await unknown(users, uid)
    host.out(`${uid} has ${roles.length === 0 ? 'no role' : roles.join(', ')} from now on.`)
  }
}

type UsersVerb = keyof typeof verbs

interface Verb {
  readonly name: string
  readonly description: string
  /** What the first word is; absent: there is none. */
  readonly word?: keyof typeof words
  readonly takesPassword?: true
  readonly takesRoles?: true
}

const verbs = {
  add: {
    name: 'add',
    description: 'Makes an account for who signs in by a name and a password, which is asked for',
    word: 'NAME',
    takesPassword: true,
  },
  password: {
    name: 'password',
    description: 'Gives an account another password, which is asked for, and signs the user out everywhere',
    word: 'NAME',
    takesPassword: true,
  },
  list: {
    name: 'list',
    description: 'Says who has a name: uid, openid, since when there is an account, and roles',
  },
  delete: {
    name: 'delete',
    description:
      'Ends a user, who is signed out everywhere; documents and files stay, with an owner that nobody is',
    word: 'UID',
  },
  roles: { name: 'roles', description: 'Says which roles a user has', word: 'UID' },
  grant: {
    name: 'grant',
    description: 'Gives roles to a user, at once: "auth.roles" in rules',
    word: 'UID',
    takesRoles: true,
  },
  revoke: { name: 'revoke', description: 'Takes roles from a user, at once', word: 'UID', takesRoles: true },
  'sign-out': { name: 'sign-out', description: 'Ends all sessions of a user', word: 'UID' },
} as const satisfies Record<string, Verb>

const words = {
  NAME: { name: { type: 'positional', required: false, description: 'What the user signs in by' } },
  UID: { uid: { type: 'positional', required: false, description: 'As "nearcloud users list" says it' } },
} as const

function command(
  host: Host,
  verb: Verb,
  work: (users: OperatorUsers, word: string, password: string, more: readonly string[]) => Promise<void>,
): CommandDef {
  const { name, description } = verb
  const args: ArgsDef = { ...(verb.word && words[verb.word]), ...place }
  return defineCommand({
    meta: { name, description },
    args,
    async run({ args: { _, ...given } }) {
      const [word = '', ...more] = _
      const form = [name, verb.word, verb.takesRoles && 'ROLE …'].filter(Boolean).join(' ')
      checkNames(`users ${name}`, given, args)
      if ((word === '') === (verb.word !== undefined) || more.length > 0 !== (verb.takesRoles === true))
        throw new UsageError(`it is "nearcloud users ${form}"; "nearcloud users ${name} --help" says more.`)
      const { dataFolder, env } = placeOf(host, given)
      // before the folder is taken: somebody may think for a while
      const password = verb.takesPassword ? await newPassword(host) : ''
      try {
        await usersAsOperator({ dataFolder, ...(env !== undefined && { env }) }, users =>
          work(users, word, password, more),
        )
      } catch (thrown) {
        const { code, message } = thrown as { code?: unknown; message: string }
        throw code === 'INVALID_PARAM' ? new UsageError(`${message}.`) : thrown
      }
    },
  })
}

/** Typed twice where it is typed; never an argument, which others on the machine may read. */
async function newPassword(host: Host): Promise<string> {
  const password = await host.secret('Password: ')
  if (password === '') throw new UsageError('no password was given; nothing is changed.')
  if (host.isTyped && (await host.secret('Once more: ')) !== password)
    throw new UsageError('the two are not the same; nothing is changed.')
  return password
}

async function unknown(users: OperatorUsers, uid: string): Promise<UsageError> {
  const isName = (await users.list()).some(({ username }) => username === uid.toLowerCase())
  return new UsageError(
    isName
      ? `nobody has the uid "${uid}"; the one who signs in by that name has "pw:${uid.toLowerCase()}".`
      : `nobody has the uid "${uid}"; "nearcloud users list" says who there is.`,
  )
}
