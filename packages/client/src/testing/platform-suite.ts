import type { HttpResponse, Platform } from '../platform.ts'

/** What the suite needs of a test runner: vitest's `test` and `expect` fit. */
export interface SuiteRunner {
  test(title: string, run: () => Promise<void>): unknown
  expect(actual: unknown): {
    toEqual(expected: unknown): void
    rejects: { toMatchObject(expected: object): Promise<void> }
  }
}

export interface PlatformUnderTest {
  readonly platform: Platform
  /**
   * An HTTP server that answers 418 with the header `x-method`, the header `x-token` it was sent, and the body it was
   * sent; at `/redirect` with a redirect to itself.
   */
  readonly url: string
  /** Where nobody answers. */
  readonly deadUrl: string
  /** A file as an app would hand it over, with the bytes 1 2 3. */
  readonly file: unknown
  /** The bytes behind an address that `saveTemporary` gave. */
  open(address: string): Promise<Uint8Array>
}

/** The laws of the platform contract as tests; transports and storages have suites of their own. */
export function platformSuite(
  name: string,
  { test, expect }: SuiteRunner,
  make: () => Promise<PlatformUnderTest>,
): void {
  test(`${name}: the clock runs forwards, and runs a task once after its delay, unless it is cancelled`, async () => {
    const { clock } = (await make()).platform
    const began = clock.now()
    let cancelled = 0
    const cancel = clock.after(1, () => cancelled++)
    cancel()
    await new Promise<void>(resolve => clock.after(5, resolve))
    expect(clock.now() >= began).toEqual(true)
    expect(cancelled).toEqual(0)
    cancel()
  })

  test(`${name}: random bytes are as many as asked, and differ`, async () => {
    const { random } = (await make()).platform
    expect(random(0).length).toEqual(0)
    const texts = Array.from({ length: 100 }, () => String([...random(16)]))
    expect(new Set(texts).size).toEqual(100)
  })

  test(`${name}: a request carries method, headers and bytes; any status is an answer`, async () => {
    const { platform, url } = await make()
    const body = Uint8Array.from({ length: 256 }, (_, i) => i)
    let sent = 0
    const response: HttpResponse = await platform.request({
      method: 'PUT',
      url,
      headers: { 'x-token': 'secret' },
      body,
      timeoutMs: 30_000,
      onSent: bytes => {
        sent = bytes
      },
    })
    expect([response.status, response.headers['x-method'], response.headers['x-token']]).toEqual([
      418,
      'PUT',
      'secret',
    ])
    expect([...response.body]).toEqual([...body])
    expect(sent).toEqual(256)
  })

  test(`${name}: no answer is OFFLINE, and so is a redirect`, async () => {
    const { platform, url, deadUrl } = await make()
    const ask = (to: string) => platform.request({ method: 'GET', url: to, timeoutMs: 30_000 })
    await expect(ask(deadUrl)).rejects.toMatchObject({ code: 'OFFLINE' })
    await expect(ask(`${url}/redirect`)).rejects.toMatchObject({ code: 'OFFLINE' })
  })

  test(`${name}: a file an app hands over is read, and what is none is refused`, async () => {
    const { platform, file } = await make()
    expect([...(await platform.readFile(file)).bytes]).toEqual([1, 2, 3])
    await expect(platform.readFile(undefined)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
    await expect(platform.readFile(7)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  })

  test(`${name}: saved bytes can be opened at their address, each at its own`, async () => {
    const { platform, open } = await make()
    const options = { name: '../a b/图.png', contentType: 'image/png' }
    const first = await platform.saveTemporary(Uint8Array.of(1), options)
    const second = await platform.saveTemporary(Uint8Array.of(2), options)
    expect(first === second).toEqual(false)
    expect([...(await open(first))]).toEqual([1])
    expect([...(await open(second))]).toEqual([2])
  })
}
