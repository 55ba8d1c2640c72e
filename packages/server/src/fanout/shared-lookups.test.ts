import type { Write } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { ScanPlan } from '../engine/engine.ts'
import { createJudge } from '../rules/create-judge.ts'
import { parseRules } from '../rules/rules-file.ts'
import { openHouse, tokenOf } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { clientId } from '../testing/raw-client.ts'
import { admin } from '../testing/scenario.ts'

class CountingEngine extends MemoryEngine {
  scans = 0

  override scan(env: string, plan: ScanPlan) {
    this.scans++
    return super.scan(env, plan)
  }
}

const newest: Partial<Query> = { orderBy: [['n', 'desc']], limit: 2 }
const add = (n: number): Write => ({
  op: 'add',
  collection: 'todos',
  id: `d${n}`,
  data: { n, _openid: n % 2 ? 'odd' : 'even' },
})

async function openShop(todos: unknown) {
  const engine = new CountingEngine()
  const rules = parseRules(JSON.stringify({ database: { todos } }), 'rules.json')
  const house = await openHouse({ engine, judge: createJudge(rules, () => 0) })
  const write = (...writes: Write[]) => house.environment.commit({ actor: admin, writes })
  await write(...[1, 2, 3, 4, 5, 6, 7, 8].map(add))
  const join = async (user: string, device: string) => {
    const client = house.connect()
    await client.hello({ client: clientId(device), token: tokenOf(user) })
    client.subscribe(1, newest)
    return client
  }
  return { engine, write, join }
}

test('[FAN-22] a hundred equal windows are looked up once, when those held behind them are used up', async () => {
  const { engine, write, join } = await openShop('READONLY')
  const clients = await Promise.all(Array.from({ length: 100 }, (_, n) => join(`user${n}`, `device${n}`)))
  for (const client of clients) expect((await client.next('snapshot')).window).toEqual(['d8', 'd7'])
  engine.scans = 0
  const remove = async (id: string, left: readonly string[]) => {
    await write({ op: 'remove', collection: 'todos', id })
    for (const client of clients) expect((await client.next('changes')).windows).toEqual([[1, left]])
  }
  await remove('d8', ['d7', 'd6'])
  await remove('d7', ['d6', 'd5'])
  expect(engine.scans).toBe(0)
  await remove('d6', ['d5', 'd4'])
  expect(engine.scans).toBe(1)
  await remove('d5', ['d4', 'd3'])
})

test('[FAN-22] who sees other documents looks for themselves', async () => {
  const { write, join } = await openShop('PRIVATE')
  const [odd, even, tablet] = await Promise.all([
    join('odd', 'phone'),
    join('even', 'laptop'),
    join('odd', 'tablet'),
  ])
  for (const client of [odd, tablet]) expect((await client.next('snapshot')).window).toEqual(['d7', 'd5'])
  expect((await even.next('snapshot')).window).toEqual(['d8', 'd6'])
  await write(
    { op: 'remove', collection: 'todos', id: 'd8' },
    { op: 'remove', collection: 'todos', id: 'd7' },
  )
  for (const client of [odd, tablet])
    expect((await client.next('changes')).windows).toEqual([[1, ['d5', 'd3']]])
  expect((await even.next('changes')).windows).toEqual([[1, ['d6', 'd4']]])
})
