import type { Farewell, ServedWire } from '../gateway/gateway-wire.ts'

/** Of a replica. */
export type ReplicaWire = ServedWire<string>

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
