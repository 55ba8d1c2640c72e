import type { Json, Millis, Room } from '@nearcloud/protocol'
import type { Priority } from '@nearcloud/query'
import type { LoggedGroup, Origin, TextPlace } from '@nearcloud/store'
import type { LinkState } from '../link.ts'
import type { Asked } from '../requests.ts'
import type { Done } from '../subscription.ts'
import type { Arriving, SyncEvents } from '../sync.ts'
import type { Verdict } from '../verdicts.ts'
import type { ErrorData } from './told.ts'

/** What a tab says to the one that leads: each with an `id` is answered once. */
export type Up =
  /** `refusals`: how often this tab has heard that storage refused; what was made without knowing is refused too. */
  | {
      readonly type: 'write'
      readonly id: number
      readonly entry: string
      readonly from: Origin
      readonly refusals: number
    }
  | {
      readonly type: 'hold'
      readonly hold: number
      readonly query: Json
      readonly priority?: Priority | undefined
    }
  | { readonly type: 'arrival'; readonly id: number; readonly hold: number; readonly patient: boolean }
  | { readonly type: 'release'; readonly hold: number; readonly warm: boolean }
  | { readonly type: 'ask'; readonly id: number; readonly asked: Asked }
  | { readonly type: 'whenSynced'; readonly id: number }
  | { readonly type: 'hint'; readonly hint: 'wake' | 'doubt' | 'goOnline' | 'goOffline' }
  | { readonly type: 'enter'; readonly room: number; readonly place: Room; readonly state: unknown }
  | { readonly type: 'present'; readonly room: number; readonly state: unknown }
  | { readonly type: 'leave'; readonly room: number }
  /** Answered when the text is in the store; it is kept in step until `closeText`. */
  | { readonly type: 'openText'; readonly id: number; readonly text: number; readonly place: TextPlace }
  | { readonly type: 'closeText'; readonly text: number }

/** What the one that leads says. */
export type Down =
  | { readonly type: 'logged'; readonly group: LoggedGroup }
  | { readonly type: 'status'; readonly status: TabStatus }
  | { readonly type: 'answer'; readonly id: number; readonly result?: unknown; readonly error?: ErrorData }
  | { readonly type: 'refused'; readonly error: ErrorData }
  | {
      readonly type: 'verdict'
      readonly nonce: string
      readonly verdict?: Verdict
      readonly error?: ErrorData
    }
  | { readonly type: 'denied'; readonly hold: number; readonly error: ErrorData }
  | { readonly type: 'progressed'; readonly hold: number; readonly done: Done }
  | { readonly type: 'event'; readonly name: keyof SyncEvents; readonly detail: unknown }
  | {
      readonly type: 'peers'
      readonly room: number
      readonly peers: readonly (readonly [string, string, unknown])[]
    }
  | { readonly type: 'roomClosed'; readonly room: number; readonly error?: ErrorData }

/** How the conversation with the server stands. */
export interface TabStatus {
  readonly state: LinkState
  readonly isReachable: boolean
  readonly access: string | undefined
  readonly signInNeeded: ErrorData | undefined
  /** From this device's clock to the server's. */
  readonly offsetMs: Millis
  readonly arriving: readonly (Omit<Arriving, 'query'> & { readonly query: Json })[]
}
