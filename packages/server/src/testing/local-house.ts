import { CloudError, type FilesAsk, type Value } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import { refused } from '../auth/signed-claims.ts'
import type { Tokens } from '../auth/tokens.ts'
import { Users } from '../auth/users.ts'
import { Fanout } from '../fanout/fanout.ts'
import type { LogLine } from '../log-line.ts'
import type { Judge } from '../rules/judge.ts'
import type { SessionLimits, SessionTokens } from '../session/session.ts'
import { Sessions } from '../session/sessions.ts'
import type { MemoryEngine } from './memory-engine.ts'
import { RawClient } from './raw-client.ts'
import { openWorld, type World } from './scenario.ts'

/** Sessions, fan-out and commits of a server without a socket or a disk. */
export interface LocalHouse extends World {
  readonly fanout: Fanout
  readonly sessions: Sessions
  readonly logged: LogLine[]
  /** Where there are tokens. */
  readonly users: Users
  /** Functions by name. */
  readonly functions: Map<string, (data: Value, actor: Actor) => Promise<Value>>
  connect(options?: { bufferedBytes?: () => number }): RawClient
}

export async function openHouse(
  options: {
    engine?: MemoryEngine
    judge?: Judge
    limits?: Partial<SessionLimits>
    /** Real tokens, and users with names. Absent: tokens anyone can write down, and everybody is anonymous. */
    tokens?: (world: World) => Promise<Tokens>
  } = {},
): Promise<LocalHouse> {
  const world = openWorld(options.engine, options.judge)
  const { environment, clock } = world
  const fanout = await Fanout.open(environment)
  const logged: LogLine[] = []
  const tokens = await options.tokens?.(world)
  const users = tokens && (await Users.open({ environment, tokens, clock }))
  const functions: LocalHouse['functions'] = new Map()
  const sessions = new Sessions({
    environment,
    fanout,
    clock,
    tokens: tokens ?? plainTokens(),
    ...(users && { users }),
    log: line => logged.push(line),
    invoke: async ({ name, data, actor }) => {
      const run = functions.get(name)
      if (!run) throw new CloudError('FUNCTION_NOT_FOUND', { errMsg: `no function ${name}` })
      return run(data, actor)
    },
    askFiles: async (_actor: Actor, ask: FilesAsk) => ({ asked: ask.verb }),
    ...(options.limits && { limits: options.limits }),
  })
  users?.onSessionEnded(name => sessions.sendAwaySession(name, refused('ended')))
  users?.onGone((openid, error) => sessions.sendAwayUser(openid, error))
  return {
    ...world,
    fanout,
    sessions,
    logged,
    functions,
    get users() {
      return users!
    },
    connect: ({ bufferedBytes = () => 0 } = {}) => connect(sessions, bufferedBytes),
  }
}

/** Tokens anyone can read and forge, and a test can write down. */
function plainTokens(): SessionTokens {
  let users = 0
  return {
    newOpenid: () => `user${++users}`,
    sign: async (purpose, env, openid) => `${purpose}/${env}/${openid}`,
    async verify(purpose, env, token) {
      const openid = token.startsWith(`${purpose}/${env}/`) ? token.split('/')[2] : undefined
      if (!openid) throw new CloudError('TOKEN_REFUSED', { errMsg: 'not a token of this server' })
      return openid
    },
  }
}

export function tokenOf(openid: string): string {
  return `session/test/${openid}`
}

/** A wire in memory: frames arrive in order, in later turns, until either side closes. */
function connect(sessions: Sessions, bufferedBytes: () => number): RawClient {
  const client = new RawClient()
  let isOpen = true
  const end = () => {
    if (!isOpen) return
    isOpen = false
    setImmediate(() => {
      session?.closed()
      client.closed()
    })
  }
  const session = sessions.begin({
    send(frame) {
      if (isOpen) setImmediate(() => client.received(frame))
    },
    close: end,
    get bufferedBytes() {
      return bufferedBytes()
    },
    pause() {},
    resume() {},
  })
  client.attach({
    send(frame) {
      if (isOpen) setImmediate(() => session?.received(typeof frame === 'string' ? frame : undefined))
    },
    close: end,
  })
  return client
}
