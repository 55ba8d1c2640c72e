/** What cannot be done is refused with a code. */
export class Refusal extends Error {
  readonly code: string

  constructor(code: string, words: string) {
    super(words)
    this.code = code
  }
}

/** The data does not fit. */
export function cannot(words: string): Refusal {
  return new Refusal('DATABASE_REQUEST_FAILED', words)
}
