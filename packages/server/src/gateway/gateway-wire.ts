/** One connection, as whoever serves it sees it: frames in order, both ways. */
export interface ServedWire<Frame> {
  send(frame: Frame): void
  /** Ends it with a code; `closed` follows. 4400 to 4499 tell a provider not to come back. Harmless when it has ended. */
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

/** Of a provider of editors. */
export type GatewayWire = ServedWire<Uint8Array>

/** Why a provider is sent away. */
export interface Farewell {
  readonly code: number
  readonly reason: string
}

export const farewells = {
  /** It broke the protocol, or an edit did not pass the gate. */
  malformed: { code: 4400, reason: 'refused' },
  /** An honest editor of something else: ProseMirror's binding, another name of the type. */
  noText: {
    code: 4400,
    reason: 'a text holds characters, formats and embedded values, in one type: no XmlFragment, Map or Array',
  },
  unauthenticated: { code: 4401, reason: 'sign in again' },
  /** It may not read any more, or was refused too often. */
  forbidden: { code: 4403, reason: 'no permission' },
  /** No such text, or none this user may read: the same words for both. */
  missing: { code: 4404, reason: 'no such text' },
  tooMuch: { code: 4429, reason: 'too many edits: open the text anew' },
  // a provider comes back after these
  changed: { code: 1012, reason: 'the rights of this user changed' },
  leaving: { code: 1001, reason: 'the server is stopping' },
  failed: { code: 1011, reason: 'the server failed' },
  busy: { code: 1013, reason: 'try again later' },
} as const satisfies Record<string, Farewell>
