import type { Clock, CloudError, DownOf, RandomBytes } from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'
import type { Checks } from './checks.ts'
import type { Dialect } from './dialect.ts'
import type { Emitter } from './emitter.ts'
import type { InPieces } from './in-pieces.ts'
import type { Link } from './link.ts'
import type { Parts } from './parts.ts'
import type { Pull } from './pull.ts'
import type { Push } from './push.ts'
import type { Requests } from './requests.ts'
import type { Rooms } from './rooms/rooms.ts'
import type { ServerClock } from './server-clock.ts'
import type { Session } from './session.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { SyncEvents } from './sync.ts'
import type { Texts } from './texts/texts.ts'
import type { Verdicts } from './verdicts.ts'

/** What lives longer than one connection. */
export interface SessionParts {
  readonly env: string
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomBytes
  readonly serverClock: ServerClock
  readonly link: Link
  readonly subscriptions: Subscriptions
  readonly push: Push
  readonly pull: Pull
  readonly requests: Requests
  readonly checks: Checks
  readonly texts: Texts
  readonly rooms: Rooms
  readonly events: Emitter<SyncEvents>
  readonly verdicts: Verdicts
  readonly dialect: Dialect
  /** Absent: nothing is fetched. */
  readonly parts: Parts | undefined
  readonly inPieces: InPieces | undefined
  /** Somebody signed in by name: a token that is refused is not given up for an anonymous user. */
  readonly isNamed: boolean
  /** Accepted mutations that the server turned out to know nothing of, until that is told. */
  lostMutations: number
  /** The server said who we are: the conversation is under way. */
  welcomed(welcome: DownOf<'welcome'>, session: Session): void
  /** A new token for HTTP requests came. */
  renewed(access: string): void
  /** This user's token is good for nothing any more. */
  signInNeeded(error: CloudError): void
  /** A message has taken effect. */
  advanced(): void
}
