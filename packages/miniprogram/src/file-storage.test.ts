import type { Payload, Storage } from '@nearcloud/store'
import { storageSuite } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { FileStorage } from './file-storage.ts'
import { myHost } from './my-host.ts'
import { MyPhone, type Torn, tears, WxPhone } from './testing/index.ts'
import { wxHost } from './wx-host.ts'

type AnyPhone = WxPhone | MyPhone

const phones = {
  wx: () => new WxPhone(),
  my: () => new MyPhone(),
  'my without files': () => new MyPhone({ without: ['getFileSystemManager'] }),
}
const hosts = ['wx', 'my', 'my without files'] as const

/** The storage of one run of the mini program. */
function launched(phone: AnyPhone, name = 'app'): () => FileStorage {
  const { files, keys } = phone instanceof WxPhone ? wxHost(phone.launch()) : myHost(phone.launch())
  const openNames = new Set<string>()
  return () => new FileStorage(name, { files, keys, openNames })
}

for (const host of hosts)
  storageSuite(`FileStorage on ${host}`, { test, expect }, () => ({ storage: launched(phones[host]()) }))

async function open(phone: AnyPhone, name?: string): Promise<FileStorage> {
  const storage = launched(phone, name)()
  await storage.open()
  return storage
}

async function found(storage: Storage): Promise<Payload[]> {
  const payloads: Payload[] = []
  for await (const page of storage.read()) payloads.push(...page.map(({ payload }) => payload))
  return payloads
}

const large = (letter: string) => letter.repeat(40_000)
const bytes = (value: number) => new Uint8Array(50).fill(value)

/** A day of a store: what it was told is written, and what it wants no more. */
class Day {
  readonly promised: Payload[] = []
  readonly asked: Payload[] = []
  readonly unwanted = new Set<Payload>()
  readonly sequences: number[] = []

  async run(storage: Storage): Promise<void> {
    await storage.open({ durability: 'relaxed' })
    await this.append(storage, ['one', 'two 你好 😀'])
    await this.append(storage, [large('a'), 'three', bytes(1), bytes(2), 'four'])
    await this.drop(storage, ['one', large('a')])
    await this.append(storage, ['half a pair \ud800', 'five'])
    await this.drop(storage, ['five'])
    await this.append(storage, [large('b')])
    await this.drop(storage, [large('b')])
    for (let i = 0; i < 12; i++) await this.append(storage, [`${i} ${'x'.repeat(30_000)}`])
    await this.append(storage, ['last'])
    await storage.close()
  }

  async append(storage: Storage, payloads: Payload[]): Promise<void> {
    this.asked.push(...payloads)
    this.sequences.push(...(await storage.append(payloads)))
    this.promised.push(...payloads)
  }

  async drop(storage: Storage, payloads: Payload[]): Promise<void> {
    const sequences = payloads.map(payload => this.sequences[this.promised.indexOf(payload)]!)
    for (const payload of payloads) this.unwanted.add(payload)
    await storage.drop(sequences)
  }
}

async function stepsOfADay(): Promise<number> {
  const phone = new WxPhone()
  await new Day().run(launched(phone)())
  return phone.disk.steps
}

const deaths = [
  ...tears.map(torn => [torn, 'wx'] as const),
  ...(['one', 'almost'] as const).map(torn => [torn, 'my'] as const),
  ...(['none', 'all'] as const).map(torn => [torn, 'my without files'] as const),
]

test.each(deaths)(
  '[MP-3] killed at every step, with the write cut short (%s, on %s): what was promised is there, in order, and nothing torn',
  async (torn, host) => {
    const steps = await stepsOfADay()
    expect(steps).toBeGreaterThan(30)
    for (let step = 1; step <= steps; step++) {
      const phone = phones[host]()
      const storage = launched(phone)()
      const death = diesAt(phone, step, torn)
      const day = new Day()
      void day.run(storage).catch(() => undefined)
      await death
      const again = await open(phone)
      const there = await found(again)
      // of what was dropped some may be left; of the rest there is a beginning, with all that was promised
      const kept = there.filter(payload => !isIn(day.unwanted, payload))
      const wanted = day.asked.filter(payload => !isIn(day.unwanted, payload))
      const promised = day.promised.filter(payload => !isIn(day.unwanted, payload))
      expect(kept, `step ${step}`).toEqual(wanted.slice(0, kept.length))
      expect(kept.length, `step ${step}`).toBeGreaterThanOrEqual(promised.length)
      const highest = Math.max(0, ...day.sequences)
      expect((await again.append(['more']))[0], `step ${step}`).toBeGreaterThan(highest)
      await again.close()
      expect((await found(await open(phone))).at(-1)).toBe('more')
    }
  },
)

function diesAt(phone: AnyPhone, step: number, torn: Torn): Promise<void> {
  phone.disk.faultAt(step, { kind: 'stop', torn })
  return new Promise(resolve => phone.whenKilled(resolve))
}

function isIn(payloads: ReadonlySet<Payload>, payload: Payload): boolean {
  return [...payloads].some(each => String(each) === String(payload))
}

test.each(hosts.flatMap(host => [['fail', host] as const, ['full', host] as const]))(
  '[MP-4] an append that is refused (%s, on %s) at any step is not there, now or later, and the next ones are',
  async (kind, host) => {
    const steps = await stepsOfADay()
    for (const torn of ['none', 'half', 'all'] as const)
      for (let step = 1; step <= steps; step++) {
        const phone = phones[host]()
        const storage = await open(phone)
        phone.disk.faultAt(step, { kind, torn })
        const there: Payload[] = []
        const refused: string[] = []
        for (const payloads of [['a'], ['b', large('b'), 'c'], [bytes(7), 'd'], ['e']])
          await storage.append(payloads).then(
            () => there.push(...payloads),
            error => refused.push(error.code),
          )
        expect(refused.every(code => code === (kind === 'full' ? 'STORE_FULL' : 'STORE_FAILED'))).toBe(true)
        expect(await found(storage), `${torn} at ${step}`).toEqual(there)
        await storage.close()
        expect(await found(await open(phone)), `${torn} at ${step}, later`).toEqual(there)
      }
  },
)

test.each([WxPhone, MyPhone])(
  '[MP-5] a full phone is STORE_FULL, takes nothing back of what it promised, and goes on when there is room',
  async Phone => {
    const phone = new Phone({ limits: { filesBytes: 100_000 } })
    const storage = await open(phone)
    await storage.append(['kept', large('a')])
    await expect(storage.append([large('b'), large('c')])).rejects.toMatchObject({ code: 'STORE_FULL' })
    await storage.append(['small'])
    expect(await found(storage)).toEqual(['kept', large('a'), 'small'])
    const [, second] = (await sequencesOf(storage)) as [number, number]
    await storage.drop([second])
    await storage.append([large('b')])
    await storage.close()
    expect(await found(await open(phone))).toEqual(['kept', 'small', large('b')])
  },
)

async function sequencesOf(storage: Storage): Promise<number[]> {
  const sequences: number[] = []
  for await (const page of storage.read()) sequences.push(...page.map(({ sequence }) => sequence))
  return sequences
}

test('[MP-6] files that the system cleared are told at the next opening; a new beginning works', async () => {
  const phone = new WxPhone()
  const before = await open(phone)
  await before.append(['mine'])
  await before.close()
  phone.disk.clear('files')
  const storage = launched(phone)()
  expect(await storage.open()).toMatchObject({ wasLost: true })
  expect(await found(storage)).toEqual([])
  await storage.append(['new'])
  await storage.close()
  const again = launched(phone)()
  expect((await again.open()).wasLost).toBeUndefined()
  expect(await found(again)).toEqual(['new'])
})

test.each(hosts)(
  '[MP-6] files cleared under an open store (on %s) are STORE_FAILED, lost, from then on',
  async host => {
    const phone = phones[host]()
    const storage = await open(phone)
    await storage.append(['mine'])
    phone.disk.clear('all')
    for (let times = 0; times < 2; times++)
      await expect(storage.append(['more'])).rejects.toMatchObject({
        code: 'STORE_FAILED',
        details: { reason: 'lost' },
      })
    expect(phone.disk.files.size).toBe(0)
  },
)

test('[MP-6] cleared keys alone, and a store that was destroyed, are no loss', async () => {
  const phone = new WxPhone()
  const first = await open(phone)
  await first.append(['mine'])
  await first.close()
  phone.disk.clear('keys')
  const second = launched(phone)()
  expect((await second.open()).wasLost).toBeUndefined()
  expect(await found(second)).toEqual(['mine'])
  await second.close({ destroy: true })
  expect([phone.disk.files.size, phone.disk.keys.size]).toEqual([0, 0])
  expect((await launched(phone)().open()).wasLost).toBeUndefined()
})

test('[MP-7] a file that is not what its name says is STORE_FAILED, damaged, and never data', async () => {
  const phone = new WxPhone()
  const storage = await open(phone)
  await storage.append([large('a'), 'after'])
  await storage.close()
  const [path] = [...phone.disk.files.keys()].filter(each => /\/r1\./.test(each))
  const damaged = phone.disk.files.get(path!)!.slice()
  damaged[20]! ^= 1
  phone.disk.files.set(path!, damaged)
  await expect(found(await open(phone))).rejects.toMatchObject({
    code: 'STORE_FAILED',
    details: { reason: 'damaged' },
  })
})

test('[MP-8] what nobody wants any more leaves the phone', async () => {
  const phone = new WxPhone()
  const storage = await open(phone)
  for (let round = 0; round < 20; round++) {
    const sequences = await storage.append(
      Array.from({ length: 10 }, (_, i) => `${round} ${i} ${'x'.repeat(5_000)}`),
    )
    await storage.append([bytes(round)]).then(([sequence]) => storage.drop([...sequences, sequence!]))
  }
  const left = [...phone.disk.files.values()].reduce((sum, each) => sum + each.length, 0)
  expect(left).toBeLessThan(100_000)
})

test('[MP-8] a text that only looks like entries is a payload like others', async () => {
  const phone = new WxPhone()
  const storage = await open(phone)
  const texts = ['\nr9 1 0\nx', '\n', '\nb 1 0\n9', '\ufeffmark', '\nd 1 zz\n1']
  await storage.append(texts)
  await storage.close()
  expect(await found(await open(phone))).toEqual(texts)
})

test('[MP-9] stores of two names have nothing in common', async () => {
  const phone = new WxPhone()
  const make = launched(phone, 'a.main')
  const a = make()
  await a.open()
  const b = await launchedBeside(phone, 'a.main.u1')
  await a.append(['of a'])
  await b.append(['of b'])
  await a.close({ destroy: true })
  expect(await found(b)).toEqual(['of b'])
})

/** In the same run. */
async function launchedBeside(phone: WxPhone, name: string): Promise<FileStorage> {
  const { files, keys } = wxHost(phone.wx)
  const storage = new FileStorage(name, { files, keys, openNames: new Set() })
  await storage.open()
  return storage
}
