import type { Payload, Storage, StoredRecord } from '../storage.ts'

/** A place for records that outlives the storages on it: a database name, a file. */
export interface TestMedium {
  /** A new storage on this medium, not opened. */
  storage(): Storage
  /** From now on there is no room for anything new, or there is again. For suites with `whenFull`. */
  fill?(isFull: boolean): void
  /** After the test; every storage is closed then. */
  dispose?(): void | Promise<void>
}

export interface SuiteOptions {
  /** Does a second opener get STORE_IN_USE? Default true. */
  isExclusive?: boolean
  /** On a full medium what makes room (`isRelief`) is refused as everything else, or taken. Absent: no medium is filled. */
  whenFull?: 'refuses' | 'takesRelief'
}

/** What the suite needs of a test runner: vitest's `test` and `expect` fit. */
export interface SuiteRunner {
  test(title: string, run: () => Promise<void>): unknown
  expect(actual: unknown): {
    toEqual(expected: unknown): void
    rejects: { toMatchObject(expected: object): Promise<void> }
  }
}

/** The laws of the storage contract as tests. `makeMedium` gives an empty one each time. */
export function storageSuite(
  name: string,
  { test, expect }: SuiteRunner,
  makeMedium: () => TestMedium | Promise<TestMedium>,
  { isExclusive = true, whenFull }: SuiteOptions = {},
): void {
  const law: Law = (title, run) => {
    test(`${name}: ${title}`, async () => {
      const medium = await makeMedium()
      const opened = new Set<Storage>()
      try {
        await run(async () => {
          const storage = medium.storage()
          await storage.open({ durability: 'relaxed' })
          opened.add(storage)
          return storage
        }, medium)
      } finally {
        for (const storage of opened) await storage.close().catch(() => undefined)
        await medium.dispose?.()
      }
    })
  }

  law('a new storage is empty', async open => {
    expect(await readAll(await open())).toEqual([])
  })

  law('records come back in the order of their appends, with growing numbers', async open => {
    const storage = await open()
    const first = await storage.append(['one', 'two'])
    const second = await storage.append(['three'])
    expect(isGrowing([...first, ...second])).toEqual(true)
    expect(await payloads(storage)).toEqual(['one', 'two', 'three'])
    expect((await readAll(storage)).map(record => record.sequence)).toEqual([...first, ...second])
  })

  law('payloads come back as they were: empty, long, any text, bytes', async open => {
    const texts = ['', 'x', '中文 😀 \u0000 \u2028 "\\', 'long '.repeat(60_000)]
    const bytes = new Uint8Array([0, 255, 1, 128])
    const storage = await open()
    await storage.append([...texts, bytes, new Uint8Array(0)])
    const [back, empty] = (await payloads(storage)).slice(texts.length) as [Uint8Array, Uint8Array]
    expect((await payloads(storage)).slice(0, texts.length)).toEqual(texts)
    expect([[...back], [...empty]]).toEqual([[0, 255, 1, 128], []])
  })

  law('what was appended is there after closing and opening again', async open => {
    const before = await open()
    await before.append(['kept'])
    await before.close()
    expect(await payloads(await open())).toEqual(['kept'])
  })

  law('read(after) gives what lies above, in batches', async open => {
    const storage = await open()
    const sequences = await storage.append(Array.from({ length: 100 }, (_, i) => `record ${i}`))
    const rest = await payloads(storage, sequences[59])
    expect([rest.length, rest[0]]).toEqual([40, 'record 60'])
    expect(await payloads(storage, sequences[99])).toEqual([])
  })

  law('a read that is not finished does no harm', async open => {
    const storage = await open()
    await storage.append(Array.from({ length: 50 }, (_, i) => `record ${i}`))
    for await (const _ of storage.read()) break
    await storage.append(['more'])
    expect((await payloads(storage)).length).toEqual(51)
  })

  law('drop removes these records and no others, and may be repeated', async open => {
    const storage = await open()
    const [a, b, c] = await storage.append(['a', 'b', 'c'])
    await storage.drop([b!])
    await storage.drop([b!, 999_999])
    await storage.drop([])
    expect((await readAll(storage)).map(record => record.sequence)).toEqual([a, c])
  })

  law('numbers grow also after drops and reopening', async open => {
    const before = await open()
    const sequences = await before.append(['a', 'b'])
    await before.drop(sequences)
    await before.close()
    const next = await (await open()).append(['c'])
    expect(isGrowing([...sequences, ...next])).toEqual(true)
  })

  law('an append of nothing is harmless', async open => {
    const storage = await open()
    expect(await storage.append([])).toEqual([])
    expect(await payloads(storage)).toEqual([])
  })

  law('closing twice is harmless', async open => {
    const storage = await open()
    await storage.close()
    await storage.close()
  })

  law('close with destroy leaves nothing', async open => {
    const before = await open()
    await before.append(['gone'])
    await before.close({ destroy: true })
    expect(await payloads(await open())).toEqual([])
  })

  law('a thousand appends one after the other are all there', async open => {
    const storage = await open()
    const all = Array.from({ length: 1_000 }, (_, i) => `commit ${i}`)
    for (const payload of all) await storage.append([payload])
    expect(await payloads(storage)).toEqual(all)
  })

  law('strict durability is accepted as well', async (_, medium) => {
    const storage = medium.storage()
    await storage.open({ durability: 'strict' })
    await storage.append(['safe'])
    expect(await payloads(storage)).toEqual(['safe'])
    await storage.close()
  })

  if (whenFull) fullMediumLaws(law, expect, whenFull === 'takesRelief')

  if (!isExclusive) return

  law('a second opener is told that the store is in use, and the first goes on', async (open, medium) => {
    const first = await open()
    const second = medium.storage()
    await expect(second.open({ durability: 'relaxed' })).rejects.toMatchObject({ code: 'STORE_IN_USE' })
    await second.close()
    await first.append(['still mine'])
    expect(await payloads(first)).toEqual(['still mine'])
    await first.close()
    expect(await payloads(await open())).toEqual(['still mine'])
  })
}

type Law = (title: string, run: (open: () => Promise<Storage>, medium: TestMedium) => Promise<void>) => void

function fullMediumLaws(law: Law, expect: SuiteRunner['expect'], takesRelief: boolean): void {
  law(
    'on a full medium nothing new is written, what is there is read and dropped, and there is room again',
    async (open, medium) => {
      const storage = await open()
      const [first] = await storage.append(['first', 'second'])
      medium.fill!(true)
      await expect(storage.append(['new', 'newer'])).rejects.toMatchObject({ code: 'STORE_FULL' })
      await expect(storage.append(['new'], { isRelief: false })).rejects.toMatchObject({ code: 'STORE_FULL' })
      await storage.drop([first!])
      await storage.close()
      const again = await open()
      expect(await payloads(again)).toEqual(['second'])
      await expect(again.append(['new'])).rejects.toMatchObject({ code: 'STORE_FULL' })
      medium.fill!(false)
      await again.append(['third'])
      expect(await payloads(again)).toEqual(['second', 'third'])
    },
  )

  law(
    'what makes room is written on a full medium as on any other, or refused as a whole',
    async (open, medium) => {
      const relief = [`with a mark: 1=2 ${'中😀'.repeat(1_000)}`, new Uint8Array([0, 255, 58, 61]), '']
      const storage = await open()
      const sequences = [...(await storage.append(['first', 'last'])).slice(0, 1)]
      await storage.drop([sequences[0]! + 1])
      medium.fill!(true)
      const taken: Payload[] = []
      for (const given of [relief, ['more'], ['dropped', 'most']]) {
        const written = await storage.append(given, { isRelief: true }).catch(({ code }) => {
          expect(code).toEqual('STORE_FULL')
          return []
        })
        expect(written.length).toEqual(takesRelief ? given.length : 0)
        sequences.push(...written)
        taken.push(...given.slice(0, written.length))
      }
      await expect(storage.append(['new'])).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect(await payloads(storage)).toEqual(['first', ...taken])
      if (takesRelief) {
        await storage.drop(sequences.splice(-2, 1))
        taken.splice(-2, 1)
      }
      await storage.close()

      const again = await open()
      expect(await payloads(again)).toEqual(['first', ...taken])
      expect((await readAll(again)).map(({ sequence }) => sequence)).toEqual(sequences)
      expect(await payloads(again, sequences[0])).toEqual(taken)
      if (takesRelief) {
        sequences.push(...(await again.append(['after a restart'], { isRelief: true })))
        taken.push('after a restart')
      }
      medium.fill!(false)
      for (const each of ['there is room', 'still']) {
        sequences.push(...(await again.append([each])))
        taken.push(each)
      }
      expect(await payloads(again)).toEqual(['first', ...taken])
      await again.close()
      expect((await readAll(await open())).map(({ sequence }) => sequence)).toEqual(sequences)
      expect(isGrowing(sequences)).toEqual(true)
    },
  )
}

async function readAll(storage: Storage, after?: number): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const page of storage.read(after)) records.push(...page)
  return records
}

async function payloads(storage: Storage, after?: number): Promise<readonly Payload[]> {
  return (await readAll(storage, after)).map(record => record.payload)
}

function isGrowing(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > numbers[at - 1]!)
}
