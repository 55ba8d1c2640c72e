import * as Y from 'yjs'
import { isRefusal } from '../refusal.ts'
import { TextField, type TextKind } from '../text-field.ts'
import { attackedState } from './attacks.ts'
import { Dice } from './dice.ts'
import { HostileUpdates } from './hostile-updates.ts'

export interface AttackReport {
  readonly updates: number
  readonly refused: number
  /** Passed the gate and were applied: valid updates of the attacker's own, which is what a rule is for. */
  readonly passed: number
  /** What may never happen, in words; at most ten. */
  readonly harm: readonly string[]
  readonly slowestMs: number
}

/**
 * Throws hostile updates at a field, and looks after each whether it did harm: something thrown, something pending,
 * somebody else's clock moved, a change behind a refusal, a prototype touched, a second replica that differs.
 */
export function attackField(seed: number, updates: number, now: () => number): AttackReport {
  const harm: string[] = []
  let refused = 0
  let slowestMs = 0
  const prototype = ownKeys()
  const state = attackedState()
  const open = (kind: TextKind) => TextField.open(state, { ...fieldOptions, kind })
  const untouched = { text: open('text'), richtext: open('richtext') }
  const before = clocksOf(untouched.text)
  const unchanged = untouched.text.state().join()
  const hostile = new HostileUpdates(new Dice(seed), state)
  for (let at = 0; at < updates && harm.length < 10; at++) {
    const kind: TextKind = at % 2 === 0 ? 'text' : 'richtext'
    const field = open(kind)
    const update = hostile.next()
    const tell = (words: string) => harm.push(`seed ${seed}, update ${at} (${update.join()}): ${words}`)
    const timed = <T>(work: () => T): T => {
      const start = now()
      const result = work()
      slowestMs = Math.max(slowestMs, now() - start)
      return result
    }
    try {
      const mark = field.mark()
      if (isRefusal(timed(() => field.apply(update, 'eve')))) {
        refused++
        if (field.state().join() !== unchanged) tell('it was refused and changed the state')
      } else {
        const after = clocksOf(field)
        for (const [client, clock] of before)
          if (after.get(client) !== clock) tell(`it moved the clock of ${client}`)
        if (TextField.open(field.state(), { ...fieldOptions, kind }).hash !== field.hash)
          tell('a replica of the state differs')
        timed(() => field.compensate(mark))
        if (field.hash !== untouched[kind].hash) tell('it was not taken back exactly')
        if (TextField.open(field.state(), { ...fieldOptions, kind }).hash !== field.hash)
          tell('a replica of what is left differs')
      }
    } catch (thrown) {
      tell(`it threw ${String(thrown)}`)
    }
    if (ownKeys() !== prototype) tell('Object.prototype was touched')
    field.close()
  }
  return { updates, refused, passed: updates - refused, harm, slowestMs }
}

const fieldOptions = { clock: { now: () => 0 }, serverId: 2 }

function ownKeys(): string {
  return Reflect.ownKeys(Object.prototype).map(String).join()
}

function clocksOf(field: TextField): Map<number, number> {
  return Y.decodeStateVector(field.vector())
}
