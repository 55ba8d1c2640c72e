import type { PathChange, Write } from '@nearcloud/protocol'
import type { Actor } from '@nearcloud/server'
import { collections } from './actions.ts'
import { elementsOf } from './elements.ts'
import { documentKey } from './sim-disk.ts'
import type { World } from './world.ts'

const admin: Actor = { kind: 'admin' }

/** The operator, or a function, changes who may read what. */
export function operate(world: World): void {
  const { dice } = world
  const stored = world.stored()
  if (stored.length === 0) return
  const { collection, id } = dice.pick(stored)
  const changes = dice.pick([
    [['pub', 'set', true]],
    [['pub', 'set', false]],
    [['rank', 'set', dice.below(10)]],
    [
      ['rank', 'set', dice.below(10)],
      ['pub', 'set', dice.below(2) === 0],
    ],
  ] as const)
  commitAsAdmin(world, [{ op: 'update', collection, id, changes }])
}

/** Elements change places, as an operator sees them. */
export function shuffle(world: World): void {
  const { dice, disk } = world
  const { collection, id } = dice.pick(world.stored())
  const elements = elementsOf(disk.at(documentKey(collection, id), Number.POSITIVE_INFINITY)?.document)
  if (elements.length < 2) return
  const [first, ...rest] = elements.map(element => ({ ...element }))
  const change = dice.pick<PathChange>([
    ['items', 'set', [...rest, first!]],
    ['items', 'push', { each: [], sort: [['x', dice.below(2) === 0 ? 1 : -1]] }],
    ['items', 'shift', null],
  ])
  commitAsAdmin(world, [{ op: 'update', collection, id, changes: [change] }])
}

/** One commit of many documents: too much for one message. */
export function sweep(world: World): void {
  const { dice } = world
  const collection = dice.pick(collections)
  const rank = dice.below(10)
  const writes = world
    .stored()
    .flatMap((each): Write[] =>
      each.collection === collection
        ? [{ op: 'update', collection, id: each.id, changes: [['rank', 'set', rank]] }]
        : [],
    )
  commitAsAdmin(world, writes)
}

function commitAsAdmin({ house }: World, writes: readonly Write[]): void {
  if (!house || writes.length === 0) return
  void house.environment.commit({ actor: admin, writes }).catch(() => undefined)
}

/** One commit after the other, each as soon as the one before it is done; `done` after all of them. */
export function commitInTurn(
  world: World,
  [next, ...rest]: readonly (() => readonly Write[])[],
  done: () => void = () => undefined,
): void {
  const { house } = world
  const writes = next?.() ?? []
  if (!house || writes.length === 0) {
    done()
    return
  }
  house.environment.commit({ actor: admin, writes }).then(() => {
    if (world.house === house) commitInTurn(world, rest, done)
  }, done)
}
