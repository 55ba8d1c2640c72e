import type { Transport, TransportListener } from '../transport.ts'

/** The far end a transport is tested against: it sends back every frame, but `close` makes it close. */
export interface EchoEnd {
  readonly transport: Transport
  /** To the same place, but nobody answers there. */
  readonly refused: Transport
  stop(): Promise<void>
}

/** What the suite needs of a test runner: vitest's `test` and `expect` fit. */
export interface SuiteRunner {
  test(title: string, run: () => Promise<void>): unknown
  expect(actual: unknown): { toEqual(expected: unknown): void }
}

/** The laws of the transport contract as tests. `makeEnd` gives a new far end each time. */
export function transportSuite(
  name: string,
  { test, expect }: SuiteRunner,
  makeEnd: () => Promise<EchoEnd>,
): void {
  const withEnd = async (body: (end: EchoEnd) => Promise<void>) => {
    const end = await makeEnd()
    try {
      await body(end)
    } finally {
      await end.stop()
    }
  }

  test(`${name}: opens once, then carries frames in order, each once`, () =>
    withEnd(async ({ transport }) => {
      const heard = new Heard()
      const connection = transport.connect(heard)
      expect(heard.log).toEqual([])
      await heard.until('opened')
      const frames = Array.from({ length: 200 }, (_, i) => `frame ${i} 你好 😀`)
      for (const frame of frames) connection.send(frame)
      await heard.until(`received ${frames.at(-1)}`)
      expect(heard.log).toEqual(['opened', ...frames.map(frame => `received ${frame}`)])
      connection.close()
      await heard.until('closed')
    }))

  test(`${name}: carries a frame of four megabytes whole`, () =>
    withEnd(async ({ transport }) => {
      const heard = new Heard()
      const connection = transport.connect(heard)
      await heard.until('opened')
      const frame = 'x'.repeat(4_000_000)
      connection.send(frame)
      await heard.until(`received ${frame}`)
      connection.close()
      await heard.until('closed')
    }))

  test(`${name}: says closed exactly once when this side closes, and nothing after it`, () =>
    withEnd(async ({ transport }) => {
      const heard = new Heard()
      const connection = transport.connect(heard)
      await heard.until('opened')
      connection.send('late')
      connection.close()
      connection.close()
      await heard.until('closed')
      connection.close()
      await another(transport)
      expect(heard.log.at(-1)).toEqual('closed')
      expect(heard.log.filter(entry => entry === 'closed')).toEqual(['closed'])
    }))

  test(`${name}: says closed when the other side closes`, () =>
    withEnd(async ({ transport }) => {
      const heard = new Heard()
      const connection = transport.connect(heard)
      await heard.until('opened')
      connection.send('close')
      await heard.until('closed')
      expect(heard.log).toEqual(['opened', 'closed'])
    }))

  test(`${name}: says closed, and never opened, when nobody answers`, () =>
    withEnd(async ({ refused }) => {
      const heard = new Heard()
      refused.connect(heard)
      expect(heard.log).toEqual([])
      await heard.until('closed')
      expect(heard.log).toEqual(['closed'])
    }))

  test(`${name}: may be closed before it opened`, () =>
    withEnd(async ({ transport }) => {
      const heard = new Heard()
      transport.connect(heard).close()
      expect(heard.log).toEqual([])
      await heard.until('closed')
      await another(transport)
      expect(heard.log).toEqual(['closed'])
    }))

  test(`${name}: has nothing buffered once everything came back`, () =>
    withEnd(async ({ transport }) => {
      const heard = new Heard()
      const connection = transport.connect(heard)
      await heard.until('opened')
      connection.send('one')
      await heard.until('received one')
      expect(connection.bufferedBytes).toEqual(0)
      connection.close()
      await heard.until('closed')
    }))
}

/** A whole exchange on a connection of its own: what was under way elsewhere has had its time. */
async function another(transport: Transport): Promise<void> {
  const heard = new Heard()
  const connection = transport.connect(heard)
  await heard.until('opened')
  connection.send('again')
  await heard.until('received again')
  connection.close()
  await heard.until('closed')
}

class Heard implements TransportListener {
  readonly log: string[] = []
  #waiting: { entry: string; resolve: () => void }[] = []

  opened(): void {
    this.#add('opened')
  }

  received(frame: string): void {
    this.#add(`received ${frame}`)
  }

  closed(): void {
    this.#add('closed')
  }

  until(entry: string): Promise<void> {
    if (this.log.includes(entry)) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push({ entry, resolve }))
  }

  #add(entry: string): void {
    this.log.push(entry)
    for (const { resolve } of this.#waiting.filter(each => each.entry === entry)) resolve()
    this.#waiting = this.#waiting.filter(each => each.entry !== entry)
  }
}
