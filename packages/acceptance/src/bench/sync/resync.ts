import { join } from 'node:path'
import { bucketsFor, type DocumentData, Inventory, normalise } from '@nearcloud/protocol'
import type { Judge } from '@nearcloud/server'
import {
  createJudge,
  Fanout,
  LiveEnvironment,
  ManualClock,
  parseRules,
  Sessions,
  SqliteEngine,
} from '@nearcloud/server/testing'
import { openStore, type Store } from '@nearcloud/store'
import { MemoryStorage } from '@nearcloud/store/testing'
import { createSync, type Sync, type Transport } from '@nearcloud/sync'
import { benchDocument } from '../documents.ts'
import { inFolder, median } from '../measuring.ts'
import type { Found, Section } from '../section.ts'

const count = 50_000
const rounds = 9
const everything = { collection: 'tasks', where: ['and', []], orderBy: [], skip: 0 } as const
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))

/**
 * A client that cannot be resumed (its rules changed, its history is gone) and has everything as it is; then as much, but
 * for ten documents. Both sides run in this process, without a network: times are CPU.
 */
export const resync: Section = {
  name: 'resync',
  run: () => inFolder(measure),
}

async function measure(folder: string): Promise<Found> {
  const house = await openHouse(folder)
  const client = await openClient(house)
  await client.sync.whenSynced()
  const firstSyncBytes = house.bytes()

  const equal: number[] = []
  let equalBytes = 0
  for (let round = 0; round < rounds; round++) {
    house.bytes()
    equal.push(await cpuOf(() => client.comeBack()))
    equalBytes = house.bytes()
  }
  const compare: number[] = []
  for (let round = 0; round < rounds; round++) compare.push(await cpuOf(() => compareHere(client.store)))

  const ten: number[] = []
  let tenBytes = 0
  for (let round = 0; round < rounds; round++) {
    client.sync.goOffline()
    await house.change(round)
    house.bytes()
    ten.push(await cpuOf(() => client.comeBack()))
    tenBytes = house.bytes()
  }
  await client.sync.stop()
  await client.store.close()
  await house.close()
  const bothMs = median(equal)
  const clientMs = median(compare)
  return {
    absolute: {
      documents: count,
      firstSyncBytes,
      equalBytes,
      equalBothSidesMs: bothMs,
      equalClientMs: clientMs,
      equalServerMs: bothMs - clientMs,
      tenDifferBytes: tenBytes,
      tenDifferBothSidesMs: median(ten),
      firstCountAfterStartMs: house.firstCountMs,
    },
    ratios: { equalToFirstSyncBytes: equalBytes / firstSyncBytes },
  }
}

/** Milliseconds of processor time that `work` takes, of whatever threads: other programs do not count. */
async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

/** What a client does when it is told what there is. */
function compareHere(store: Store): void {
  const inventory = new Inventory()
  store.eachConfirmed('tasks', (document, version) => inventory.add(document._id, version))
  inventory.sums(bucketsFor(inventory.count))
}

async function openHouse(folder: string) {
  const clock = new ManualClock(1_764_000_000_000)
  const engine = new SqliteEngine({ file: join(folder, 'bench.db'), random })
  let edition = 1
  const rules = createJudge(
    parseRules('{"database":{"tasks":{"read":true,"write":true}}}', 'rules.json'),
    () => clock.now(),
  )
  const judge: Judge = Object.defineProperty({ ...rules }, 'version', { get: () => `edition ${edition}` })
  const environment = new LiveEnvironment({ env: 'bench', engine, clock, judge })
  const fanout = await Fanout.open(environment)
  const sessions = new Sessions({
    environment,
    fanout,
    clock,
    tokens: {
      newOpenid: () => 'somebody',
      sign: async (purpose, env, openid) => `${purpose}/${env}/${openid}`,
      verify: async (_purpose, _env, token) => token.split('/')[2]!,
    },
    log: line => console.error(line.message),
    invoke: async () => null,
    askFiles: async () => null,
  })
  for (let n = 0; n < count; n += 1_000) {
    const writes = Array.from({ length: 1_000 }, (_, at) => {
      const { _id: id, ...data } = benchDocument(n + at)
      return { op: 'add', collection: 'tasks', id, data: normalise(data) as DocumentData } as const
    })
    await environment.commit({ actor: { kind: 'admin' }, writes })
  }
  const firstCountMs = await cpuOf(() => fanout.inventories.of('tasks'))
  let sent = 0
  const transport: Transport = {
    connect(listener) {
      let isOpen = true
      const end = () => {
        if (!isOpen) return
        isOpen = false
        setImmediate(() => {
          session?.closed()
          listener.closed({ code: 1000, words: 'closed' })
        })
      }
      const session = sessions.begin({
        send(frame) {
          sent += Buffer.byteLength(frame)
          setImmediate(() => isOpen && listener.received(frame))
        },
        close: end,
        bufferedBytes: 0,
        pause() {},
        resume() {},
      })
      setImmediate(() => listener.opened())
      return {
        bufferedBytes: 0,
        send(frame) {
          sent += Buffer.byteLength(frame)
          setImmediate(() => isOpen && session?.received(frame))
        },
        close: end,
      }
    },
  }
  return {
    clock,
    transport,
    firstCountMs,
    /** Bytes both ways since this was asked last. */
    bytes() {
      const bytes = sent
      sent = 0
      return bytes
    },
    /** Other rules: no copy can be continued. */
    changeRules() {
      edition++
    },
    async change(round: number) {
      for (let n = 0; n < 10; n++) {
        const { _id: id } = benchDocument((round * 5_003 + n * 4_999) % count)
        const changes = [['priority', 'set', 1_000 + round]] as const
        const writes = [{ op: 'update', collection: 'tasks', id, changes } as const]
        await environment.commit({ actor: { kind: 'admin' }, writes })
      }
    },
    async close() {
      sessions.close()
      fanout.close()
      await environment.close()
      await engine.close()
    },
  }
}

async function openClient(house: Awaited<ReturnType<typeof openHouse>>): Promise<{
  store: Store
  sync: Sync
  comeBack(): Promise<void>
}> {
  const { clock, transport } = house
  const store = await openStore({ storage: new MemoryStorage(), random })
  const sync = createSync({ store, transport, clock, random, env: 'bench' })
  sync.subscribe(everything)
  sync.start()
  return {
    store,
    sync,
    async comeBack() {
      const offline = new Promise<void>(resolve => {
        if (sync.state === 'offline') resolve()
        else sync.on('offline', () => resolve())
      })
      sync.goOffline()
      await offline
      house.changeRules()
      sync.goOnline()
      await sync.whenSynced()
    },
  }
}
