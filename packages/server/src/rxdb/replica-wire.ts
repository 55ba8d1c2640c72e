import type { Farewell } from '../gateway/gateway-wire.ts'

/** One connection of a replica: text frames in order, both ways. */
export interface ReplicaWire {
  send(frame: string): void
  /** Ends it; `closed` follows. Harmless when it has ended. */
  close(code: number, reason: string): void
  /** Asks whether the other end is there; `alive` follows if it is. */
  ping(): void
  /** Bytes that were sent and have not left this machine. */
  readonly bufferedBytes: number
  /** No more frames for now, and again. */
  pause(): void
  resume(): void
  /** It is known who it is. */
  greeted(): void
}

/** Why a replica is sent away. RxDB's plugin comes back after any of them. */
export const partings = {
  malformed: { code: 4400, reason: 'no such request' },
  unauthenticated: { code: 4401, reason: 'sign in again' },
  missing: { code: 4404, reason: 'no such collection' },
  changed: { code: 1012, reason: 'rules or rights changed' },
  leaving: { code: 1001, reason: 'the server is stopping' },
  failed: { code: 1011, reason: 'the server failed' },
  busy: { code: 1013, reason: 'try again later' },
} as const satisfies Record<string, Farewell>
