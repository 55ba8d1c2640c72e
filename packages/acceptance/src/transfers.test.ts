import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCloud } from '@nearcloud/node'
import { expect, onTestFinished, test } from 'vitest'
import { createDice } from './scenario/dice.ts'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo } from './scenario/server.ts'
import { serverProcess } from './scenario/server-process.ts'
import { until } from './scenario/until.ts'

/** The function that everybody copies. */
const example = join(import.meta.dirname, '../../../examples/cloudfunctions/cloudfunctions/transfer')
const accounts = 20
const initial = 100
const transfers = 1_000
const atOnce = 100
const kills = 3

test('[TX-2] [TX-5] a thousand transfers at once over twenty accounts, the server killed on the way: no watcher ever sees another sum', {
  timeout: 600_000,
}, async () => {
  const dice = createDice(20)
  const project = testProject(openTo('wallets', 'transfers'))
  cpSync(example, join(project, 'cloudfunctions/transfer'), { recursive: true })
  writeFileSync(join(project, 'cloudfunctions/transfer/config.json'), JSON.stringify({ timeout: 30 }))
  const server = serverProcess(project, testFolder('data'))
  const endpoint = await server.start()
  const open = async (name: string) => {
    const cloud = createCloud({ folder: testFolder(name) })
    onTestFinished(() => cloud.close())
    cloud.init({ endpoint, queryLimits: { default: 1_000, max: 2_000 } })
    await cloud.ready()
    return cloud
  }
  const banks = await Promise.all(Array.from({ length: 4 }, (_, n) => open(`bank-${n}`)))
  const watcher = await open('watcher')
  await banks[0]!.database().batch(
    batch => {
      for (let n = 0; n < accounts; n++)
        batch.collection('wallets').add({ data: { _id: `account-${n}`, balance: initial } })
    },
    { wait: 'server' } as never,
  )

  const sums = new Set<number>()
  let snapshots = 0
  const watching = watcher
    .database()
    .collection('wallets')
    .where({})
    .watch({
      onChange({ docs }) {
        if (docs.length === 0) return // before anything is here
        snapshots++
        expect(docs.length).toBe(accounts)
        sums.add(docs.reduce((sum, { balance }) => sum + (balance as number), 0))
      },
      onError: error => expect.fail(String(error)),
    })
  onTestFinished(() => watching.close())

  const waiting = Array.from({ length: transfers }, (_, n) => {
    const from = dice.below(accounts)
    const to = (from + 1 + dice.below(accounts - 1)) % accounts
    const amount = 1 + dice.below(30)
    return { id: `transfer-${n}`, from: `account-${from}`, to: `account-${to}`, amount }
  })
  let [done, made, conflicts, cutShort] = [0, 0, 0, 0]
  const work = async (_: unknown, n: number) => {
    const bank = banks[n % banks.length]!
    for (let next = waiting.pop(); next; next = waiting.pop())
      for (;;) {
        const error = await bank.callFunction({ name: 'transfer', data: next }).then(
          ({ result }) => {
            if ((result as { success: boolean }).success) made++
            else expect(result).toEqual({ success: false, error: 'too little' })
          },
          (thrown: Error) => thrown,
        )
        if (!error) break
        if (error.message.includes('TransactionConflict')) conflicts++
        else {
          cutShort++
          await new Promise(resolve => setTimeout(resolve, 20))
        }
      }
    done++
  }
  const workers = Array.from({ length: atOnce }, work)
  for (let kill = 1; kill <= kills; kill++) {
    const left = transfers - (kill * transfers) / (kills + 1) + dice.below(50)
    await until(`${left} are left before kill ${kill}`, () => waiting.length <= left, 60_000)
    await server.kill()
    await server.start()
    for (const cloud of [...banks, watcher]) cloud.goOnline()
  }
  await Promise.all(workers)
  expect(done).toBe(atOnce)

  const reader = await open('reader')
  const moved = (await reader.database().collection('transfers').get()).data
  // every one that was told to be made is there, once
  expect(moved.length).toBe(made)
  expect(made).toBeGreaterThan(transfers / 2)
  const balances = new Map(Array.from({ length: accounts }, (_, n) => [`account-${n}`, initial]))
  for (const { from, to, amount } of moved as unknown as { from: string; to: string; amount: number }[]) {
    balances.set(from, balances.get(from)! - amount)
    balances.set(to, balances.get(to)! + amount)
  }
  const left = (await reader.database().collection('wallets').get()).data
  for (const { _id, balance } of left) expect(balance).toBe(balances.get(_id as string))
  expect([...sums]).toEqual([accounts * initial])
  expect(snapshots).toBeGreaterThan(kills)
  expect(cutShort).toBeGreaterThan(0)
  console.log(
    `${transfers} transfers, ${kills} kills: ${snapshots} snapshots with one sum, ${conflicts} calls ended in a conflict, ${cutShort} were cut short`,
  )
})
