import { CloudError, type Millis, toCloudError } from '@nearcloud/protocol'
import type { Published } from '../commit/committer.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import type { User } from '../gateway/member.ts'
import type { Log } from '../log-line.ts'
import { Replica } from './replica.ts'
import { partings, type ReplicaWire } from './replica-wire.ts'
import { shapeOf } from './shape.ts'

export interface ReplicasOptions {
  readonly environment: LiveEnvironment
  /** Who an access token was given to. Rejects for a token that is none. */
  readonly identify: (token: string) => Promise<User>
  readonly log: Log
  readonly limits?: Partial<ReplicaLimits>
}

export interface ReplicaLimits {
  readonly pingMs: Millis
  /** Without a sign of life, or a word who it is, for so long it is taken for gone. */
  readonly silentMs: Millis
  /** Connections of one user at once: one for each collection that is replicated. */
  readonly connectionsPerUser: number
}

const usualLimits: ReplicaLimits = { pingMs: 15_000, silentMs: 45_000, connectionsPerUser: 256 }

/**
 * The door for apps on RxDB: its stock `replication-websocket` client, or the one of `@nearcloud/rxdb`, replicates a collection at
 * `/rxdb/<collection>?token=<access token>`, under the same rules and in the same order of commits as everybody else.
 */
export class Replicas {
  readonly #options: ReplicasOptions
  readonly #limits: ReplicaLimits
  readonly #open = new Set<Replica>()
  readonly #stop: () => void
  #cancelTimer = () => {}

  constructor(options: ReplicasOptions) {
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
    this.#stop = options.environment.onPublish(published => this.#publish(published))
    this.#keepAlive()
  }

  /** A client came to `path` (what is behind `/rxdb/`), with the parameters of its address. */
  begin(wire: ReplicaWire, path: string, parameters: URLSearchParams): Replica | undefined {
    const { environment, identify } = this.#options
    try {
      const replica: Replica = new Replica({
        environment,
        wire,
        collection: decodeURIComponent(path),
        shape: shapeOf(parameters.get('key'), parameters.get('owner')),
        token: parameters.get('token') ?? undefined,
        identify: async token => this.#welcome(await identify(token)),
        left: each => this.#open.delete(each),
        failed: thrown => this.#failed(thrown),
      })
      this.#open.add(replica)
      return replica
    } catch {
      wire.close(partings.missing.code, partings.missing.reason)
      return undefined
    }
  }

  /** Sends everybody away, to come back under other rules. */
  judgeAnew(): void {
    for (const replica of [...this.#open]) replica.sendAway(partings.changed)
  }

  /** Of one who is no more, or whose sessions were ended. */
  sendAwayUser(openid: string): void {
    for (const replica of this.#of(openid)) replica.sendAway(partings.unauthenticated)
  }

  /** The user's roles changed. */
  greetAnew(openid: string): void {
    for (const replica of this.#of(openid)) replica.sendAway(partings.changed)
  }

  close(): void {
    this.#stop()
    this.#cancelTimer()
    for (const replica of [...this.#open]) replica.sendAway(partings.leaving)
  }

  #of(openid: string): readonly Replica[] {
    return [...this.#open].filter(({ user }) => user?.openid === openid)
  }

  #welcome(user: User): User {
    if (this.#of(user.openid).length < this.#limits.connectionsPerUser) return user
    throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'too many connections of one user' })
  }

  /** Rights first: what a commit did is for those who may see it after it. */
  #publish(published: Published): void {
    if (this.#open.size === 0) return
    const { judge } = this.#options.environment
    const { changes } = published
    const concerned = judge.readsOthers ? changes.flatMap(change => judge.concernedBy(change) ?? []) : []
    for (const replica of this.#open) {
      const { user } = replica
      if (user && concerned.some(isConcerned => isConcerned(user))) replica.judgeAnew()
      else replica.note(published)
    }
  }

  #keepAlive(): void {
    const { clock } = this.#options.environment
    this.#cancelTimer = clock.after(this.#limits.pingMs, () => {
      const silentSince = clock.now() - this.#limits.silentMs
      for (const replica of [...this.#open])
        if (replica.lastHeard < silentSince) replica.sendAway(partings.busy)
        else if (!replica.user && replica.began < silentSince) replica.sendAway(partings.unauthenticated)
        else replica.ping()
      this.#keepAlive()
    })
  }

  #failed(thrown: unknown): void {
    const { code, errMsg } = toCloudError(thrown)
    this.#options.log({ level: 'error', event: 'rxdb.failed', message: errMsg, facts: { code } })
  }
}
