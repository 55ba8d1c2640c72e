import type { Dice } from '../../scenario/dice.ts'
import { isRead, type Op } from '../transaction.ts'
import type { Called, HttpCalls } from './http-calls.ts'
import { collection, never, type Recorder, type Session } from './recorder.ts'

/** Asks the HTTP API: appends to one list or several at once, and reads one list, all of them, or a register. */
export class HttpSession implements Session {
  readonly name: string
  readonly #calls: HttpCalls
  readonly #dice: Dice

  constructor(name: string, calls: HttpCalls, dice: Dice) {
    this.name = name
    this.#calls = calls
    this.#dice = dice
  }

  async step(recorder: Recorder): Promise<void> {
    const dice = this.#dice
    const { lists, registers } = recorder.round
    const chance = dice.below(100)
    if (chance < 35) await this.#append(recorder, [dice.pick(lists)])
    else if (chance < 50) await this.#append(recorder, someOf(lists, 2 + dice.below(2), dice))
    else if (chance < 65) await this.#readOne(recorder, dice.pick(lists))
    else if (chance < 80) await this.readAll(recorder)
    else if (chance < 90) await this.#write(recorder, dice.pick(registers))
    else await this.#readRegister(recorder, dice.pick(registers))
  }

  /** All lists of the round, as they are at one moment. */
  async readAll(recorder: Recorder): Promise<boolean> {
    const begun = recorder.now()
    const asked = { where: { round: recorder.round.number, kind: 'list' }, limit: 1_000 }
    const called = await this.#calls.call('POST', `/collections/${collection}/query`, asked)
    if (called.outcome !== 'ok') return false
    const found = called.body.data as readonly { _id: string; items: string[] }[]
    const ops = found.map(({ _id, items }): Op => ['read', _id, items])
    if (ops.length < recorder.round.lists.length)
      recorder.complain(`${this.name}: ${ops.length} lists are there`)
    this.#record(recorder, begun, 'ok', ops)
    return true
  }

  async #append(recorder: Recorder, lists: readonly string[]): Promise<void> {
    const ops = lists.map((list): Op => ['append', list, recorder.value(this.name)])
    const begun = recorder.now()
    const [one] = ops
    const { outcome } =
      ops.length === 1
        ? await this.#calls.call('PATCH', placeOf(one![1]), pushOf(one!), true)
        : await this.#calls.call(
            'POST',
            '/batch',
            { writes: ops.map(op => ({ op: 'update', collection, id: op[1], ...pushOf(op) })) },
            true,
          )
    this.#record(recorder, begun, outcome, ops)
  }

  async #readOne(recorder: Recorder, list: string): Promise<void> {
    const begun = recorder.now()
    const called = await this.#calls.call('GET', placeOf(list))
    if (called.outcome === 'ok')
      this.#record(recorder, begun, 'ok', [['read', list, (called.body.data as { items: string[] }).items]])
  }

  async #write(recorder: Recorder, register: string): Promise<void> {
    const value = recorder.value(this.name)
    const begun = recorder.now()
    const { outcome } = await this.#calls.call('PATCH', placeOf(register), { data: { value } }, true)
    if (outcome === 'unsent') return
    const ended = outcome === 'unknown' ? never : recorder.now()
    recorder.register({ kind: 'write', register, value, begun, ended, outcome })
  }

  async #readRegister(recorder: Recorder, register: string): Promise<void> {
    const begun = recorder.now()
    const called = await this.#calls.call('GET', placeOf(register))
    if (called.outcome !== 'ok') return
    const { value } = called.body.data as { value: string | null }
    recorder.register({ kind: 'read', register, value, begun, ended: recorder.now(), outcome: 'ok' })
  }

  #record(recorder: Recorder, begun: number, outcome: Called['outcome'], ops: readonly Op[]): void {
    if (outcome === 'unsent') return
    const ended = outcome === 'unknown' ? never : recorder.now()
    recorder.transaction({ session: this.name, begun, ended, outcome, ops })
  }
}

/** Reads and appends in one transaction of a cloud function. */
export class FunctionSession implements Session {
  readonly name: string
  readonly #calls: HttpCalls
  readonly #dice: Dice

  constructor(name: string, calls: HttpCalls, dice: Dice) {
    this.name = name
    this.#calls = calls
    this.#dice = dice
  }

  async step(recorder: Recorder): Promise<void> {
    const dice = this.#dice
    const { lists } = recorder.round
    const asked = Array.from({ length: 1 + dice.below(4) }, (): Op => {
      const list = dice.pick(lists)
      return dice.below(2) === 0 ? ['read', list, []] : ['append', list, recorder.value(this.name)]
    })
    const isWrite = asked.some(op => !isRead(op))
    const begun = recorder.now()
    const called = await this.#calls.call('POST', '/functions/transaction', { data: { ops: asked } }, isWrite)
    const result = called.outcome === 'ok' ? (called.body.result as FunctionResult) : undefined
    const outcome = result?.conflict ? 'failed' : called.outcome
    const seen = [...(result?.reads ?? [])]
    const ops = asked.flatMap((op): Op[] =>
      isRead(op) ? (outcome === 'ok' ? [['read', op[1], seen.shift()!]] : []) : [op],
    )
    if (ops.length === 0 || outcome === 'unsent') return
    const ended = outcome === 'unknown' ? never : recorder.now()
    recorder.transaction({ session: this.name, begun, ended, outcome, ops })
  }
}

interface FunctionResult {
  readonly conflict?: true
  readonly reads?: readonly (readonly string[])[]
}

/** The cloud function `transaction`: what it is asked is done in one transaction, or nothing of it. */
export const transactionFunction = `const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()

exports.main = async ({ ops }) => {
  try {
    const reads = await db.runTransaction(async transaction => {
      const seen = []
      for (const [kind, list, value] of ops) {
        const document = transaction.collection('${collection}').doc(list)
        if (kind === 'read') seen.push((await document.get()).data.items)
        else await document.update({ data: { items: db.command.push([value]) } })
      }
      return seen
    })
    return { reads }
  } catch (error) {
    if (String(error.errMsg ?? error.message).includes('TransactionConflict')) return { conflict: true }
    throw error
  }
}
`

function placeOf(id: string): string {
  return `/collections/${collection}/documents/${id}`
}

function pushOf([, , value]: Op): { readonly changes: readonly unknown[] } {
  return { changes: [['items', 'push', [value]]] }
}

/** So many of them, each once. */
export function someOf<T>(all: readonly T[], count: number, dice: Dice): T[] {
  const left = [...all]
  return Array.from(
    { length: Math.min(count, all.length) },
    () => left.splice(dice.below(left.length), 1)[0]!,
  )
}
