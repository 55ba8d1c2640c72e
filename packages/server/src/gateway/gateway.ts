import { CloudError, checkCollectionName, type Millis, toCloudError } from '@nearcloud/protocol'
import type { Published } from '../commit/committer.ts'
import type { OpenText } from '../commit/environment.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { keyOf } from '../commit/stage.ts'
import type { Log } from '../log-line.ts'
import type { Rooms } from '../rooms/rooms.ts'
import type { TextPlaceOf } from '../texts/text-change.ts'
import { farewells, type GatewayWire } from './gateway-wire.ts'
import { Member, type User } from './member.ts'
import { awarenessFrame } from './messages.ts'
import { Room } from './room.ts'

export interface GatewayOptions {
  readonly environment: LiveEnvironment
  /** Where clients of nearcloud see who else is there. */
  readonly rooms: Rooms
  /** Who an access token was given to. Rejects for a token that is none. */
  readonly identify: (token: string) => Promise<User>
  readonly log: Log
  readonly limits?: Partial<GatewayLimits>
}

export interface GatewayLimits {
  /** A provider goes away when it hears nothing for 30 s. */
  readonly keepAliveMs: Millis
  /** Without a sign of life for so long it is taken for gone. */
  readonly silentMs: Millis
  /** Connections of one user at once. */
  readonly connectionsPerUser: number
}

const usualLimits: GatewayLimits = { keepAliveMs: 15_000, silentMs: 45_000, connectionsPerUser: 256 }

/**
 * The door for editors that speak Yjs's own protocol: an unmodified `y-websocket` provider at
 * `/y/<collection>/<document>/<path>?token=<access token>` edits the text of one field, under the same rules and in the same
 * order of commits as everybody else.
 */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #members = new Set<Member>()
  /** By document, then by path. */
  readonly #rooms = new Map<string, Map<string, Room>>()
  readonly #stop: () => void
  #cancelTimer = () => {}

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
    this.#stop = options.environment.onPublish(published => this.#publish(published))
    this.#keepAlive()
  }

  /** A provider came to `path` (what is behind `/y/`), saying who it is by a token. */
  begin(wire: GatewayWire, path: string, token: string): Member | undefined {
    const { environment, identify } = this.#options
    const place = placeOf(path)
    if (!place) {
      wire.close(farewells.missing.code, farewells.missing.reason)
      return undefined
    }
    const member: Member = new Member({
      environment,
      wire,
      place,
      user: identify(token).then(user => this.#welcome(user)),
      roomOf: (at, text) => this.#roomOf(at, text),
      left: (each, room) => this.#left(each, room),
      failed: thrown => this.#failed(thrown),
    })
    this.#members.add(member)
    return member
  }

  /** The rules are others now. */
  judgeAnew(): void {
    for (const member of [...this.#members]) member.judgeAnew()
  }

  /** Sends away all that are this user's, for good. */
  sendAwayUser(openid: string): void {
    for (const member of [...this.#members])
      if (member.user?.openid === openid) member.sendAway(farewells.unauthenticated)
  }

  /** The user's conversations begin anew. */
  greetAnew(openid: string): void {
    for (const member of [...this.#members])
      if (member.user?.openid === openid) member.sendAway(farewells.changed)
  }

  /** Sends everybody away; they come back to the next server. */
  close(): void {
    this.#stop()
    this.#cancelTimer()
    for (const member of [...this.#members]) member.sendAway(farewells.leaving)
  }

  #welcome(user: User): User {
    let others = 0
    for (const member of this.#members) if (member.user?.openid === user.openid) others++
    if (others < this.#limits.connectionsPerUser) return user
    throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'too many connections of one user' })
  }

  #roomOf(place: TextPlaceOf, text: OpenText): Room {
    const name = keyOf(place.collection, place.id)
    const rooms = this.#rooms.get(name) ?? new Map<string, Room>()
    this.#rooms.set(name, rooms)
    const known = rooms.get(place.path)
    if (known?.text === text.id) return known
    const { environment } = this.#options
    const room = new Room(place, text.id, {
      rooms: this.#options.rooms,
      mayBe: (client, openid) =>
        environment.withText(
          place,
          at => at?.id === room.text && at.field.bind(client, openid) === undefined,
        ),
    })
    rooms.set(place.path, room)
    return room
  }

  #left(member: Member, room: Room | undefined): void {
    this.#members.delete(member)
    if (room === undefined || room.members.size > 0) return
    room.close()
    const name = keyOf(room.place.collection, room.place.id)
    const rooms = this.#rooms.get(name)
    if (rooms?.get(room.place.path) !== room) return
    rooms.delete(room.place.path)
    if (rooms.size === 0) this.#rooms.delete(name)
  }

  /** Rights first: what a commit did to a text is for those who may read the document after it. */
  #publish({ changes, texts }: Published): void {
    if (this.#members.size === 0) return
    for (const change of changes) {
      const rooms = this.#rooms.get(keyOf(change.collection, change.id))
      for (const room of rooms ? [...rooms.values()] : [])
        for (const member of [...room.members]) member.judgeAnew(change.after)
      const isConcerned = this.#options.environment.judge.concernedBy(change)
      if (isConcerned)
        for (const member of [...this.#members])
          if (member.user !== undefined && isConcerned(member.user)) member.judgeAnew()
    }
    for (const change of texts)
      this.#rooms.get(keyOf(change.collection, change.id))?.get(change.path)?.publish(change)
  }

  #keepAlive(): void {
    const { clock } = this.#options.environment
    this.#cancelTimer = clock.after(this.#limits.keepAliveMs, () => {
      const frame = awarenessFrame([])
      const silentSince = clock.now() - this.#limits.silentMs
      for (const member of [...this.#members])
        if (member.lastHeard < silentSince) member.sendAway(farewells.busy)
        else member.keepAlive(frame)
      for (const rooms of this.#rooms.values()) for (const room of rooms.values()) room.renew()
      this.#keepAlive()
    })
  }

  #failed(thrown: unknown): void {
    const { code, errMsg } = toCloudError(thrown)
    this.#options.log({ level: 'error', event: 'gateway.failed', message: errMsg, facts: { code } })
  }
}

/** `<collection>/<document>/<path>`, each part encoded as in a URL. */
function placeOf(path: string): TextPlaceOf | undefined {
  const parts = path.split('/')
  if (parts.length !== 3) return undefined
  try {
    const [collection, id, field] = parts.map(decodeURIComponent) as [string, string, string]
    checkCollectionName(collection)
    return id === '' || field === '' ? undefined : { collection, id, path: field }
  } catch {
    return undefined
  }
}
