import type { Document, Mutation, Outcome, Version, Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import type { Change } from '../commit/change.ts'
import { LiveEnvironment } from '../commit/live-environment.ts'
import { createJudge } from '../rules/create-judge.ts'
import type { Judge } from '../rules/judge.ts'
import { parseRules } from '../rules/rules-file.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryEngine } from './memory-engine.ts'
import { OpenJudge } from './open-judge.ts'

export const admin: Actor = { kind: 'admin' }
export const alice: Actor = { kind: 'user', openid: 'alice' }
export const bob: Actor = { kind: 'user', openid: 'bob' }

export interface World {
  readonly engine: MemoryEngine
  readonly clock: ManualClock
  /** Unless another judge was given. */
  readonly judge: OpenJudge
  readonly environment: LiveEnvironment
  /** Everything `onCommit` heard. */
  readonly heard: Change[]
  documents(collection?: string): Promise<Document[]>
}

export function openWorld(engine = new MemoryEngine(), other?: Judge): World {
  const clock = new ManualClock()
  const judge = new OpenJudge()
  const environment = new LiveEnvironment({ env: 'test', engine, clock, judge: other ?? judge })
  const heard: Change[] = []
  environment.onCommit(changes => heard.push(...changes))
  return {
    engine,
    clock,
    judge,
    environment,
    heard,
    async documents(collection = 'todos') {
      const query = { collection, where: ['and', []] as const, orderBy: [], skip: 0 }
      const answer = await environment.executorFor(admin).run({ verb: 'get', query })
      return [...answer.documents]
    },
  }
}

/** The judge by these rules of collections. */
export function judgeBy(database: { readonly [collection: string]: unknown }): Judge {
  return createJudge(parseRules(JSON.stringify({ database }), 'rules.json'), () => 1_700_000_000_000)
}

/** A collection's documents before, what is asked by whom, the answer, and all the effects. */
export interface Scenario {
  readonly given?: readonly Document[]
  readonly who: Actor
  readonly asks: readonly Write[]
  /** Part of the outcome. */
  readonly answers: Partial<
    Record<keyof Outcome | 'code' | 'version' | 'reason' | 'details' | 'superseded', unknown>
  >
  /** Documents afterwards; absent: as before. */
  readonly leaves?: readonly Document[]
  /** What fires: `[dataType, id]`. */
  readonly fires?: readonly (readonly [Change['dataType'], Document['_id']])[]
}

export function scenario(title: string, story: Scenario): void {
  test(title, async () => {
    const world = openWorld()
    const given = story.given ?? []
    for (const { _id: id, ...data } of given)
      await world.environment.commit({ actor: admin, writes: [{ op: 'add', collection: 'todos', id, data }] })
    world.heard.length = 0
    const { outcome } = await world.environment.commit({ actor: story.who, writes: story.asks })
    expect(outcome).toMatchObject(story.answers)
    expect(await world.documents()).toEqual(story.leaves ?? given)
    expect(world.heard.map(change => [change.dataType, change.id])).toEqual(story.fires ?? [])
  })
}

export function mutationOf(id: number, writes: readonly Write[], part: Partial<Mutation> = {}): Mutation {
  return { id, nonce: `nonce${id}`, base: 0 as Version, time: 1_700_000_000_000, writes, ...part }
}
