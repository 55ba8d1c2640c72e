import type { Write } from '@nearcloud/protocol'
import { collections } from './actions.ts'
import { type Deed, write } from './deeds.ts'
import type { Device, Process } from './device.ts'
import type { World } from './world.ts'

/** As clients on real media keep it: in two parts. */
export const reserveBytes = 163_840

/** What happens on devices that keep room in reserve (SURVIVE-4). */
export function fullMediaOf(world: World): readonly Deed[] {
  if (!world.hasReserves) return []
  return [
    [80, 'medium fills up', () => fillUp(world)],
    [60, 'medium has room again', () => void world.dice.pick(world.devices).emptyMedia()],
    [200, 'remove on a full medium', () => removeOne(world)],
  ]
}

/** What happens to media of those who are in step, too. */
export function momentsOfMedia(world: World): readonly Deed[] {
  return world.hasReserves ? [[30, 'medium fills up', () => fillUp(world)]] : []
}

/** Hardly anything finds room from now on; somebody goes on writing, perhaps, and begins to remove what they can. */
function fillUp(world: World): void {
  const { devices, dice } = world
  const able = devices.filter(({ live, options, isFull }) => live && options.keepsReserve && !isFull)
  if (able.length === 0) return
  const device = dice.pick(able)
  world.count('client medium full')
  for (const medium of device.media) medium.room = medium.used + dice.below(300)
  // what waits together is refused, and the removals among it are not
  const writes = dice.below(3) > 0
  if (device.live && writes) write(world, device.live, device)
  for (let i = dice.below(4); i >= 0; i--) removeOne(world, { isAlone: !writes })
}

/**
 * Somebody makes room: while something is in reserve that is written, whatever becomes of what else waits. `isAlone`: nobody has just
 * written what is refused, and with it the removal of its document.
 */
function removeOne(world: World, { isAlone } = { isAlone: true }): void {
  const { devices, dice } = world
  const device = devices.find(({ live, isFull }) => live && isFull)
  const process = device?.live
  if (!device || !process) return
  const known = collections.flatMap(collection =>
    world
      .known(process)(collection)
      .map(({ _id: id }): Write => ({ op: 'remove', collection, id })),
  )
  if (known.length === 0) return
  const removal = dice.pick(known)
  const parts = partsOf(device)
  const isSure = isAlone && isIdle(device, process) && parts > 0
  let asked = 0
  const refused = () => {
    if (isSure && asked === device.moves && device.live === process)
      world.violates('RESERVE', `${process.name}: a removal is refused, with ${parts} parts in reserve`)
  }
  device.write(process, { writes: [removal] }, refused).then(
    () => {
      if (partsOf(device) < parts) world.count('reserve given back')
    },
    () => undefined,
  )
  asked = device.moves
}

/** Nothing is on its way into its storage, or known to go wrong there. */
function isIdle({ disk, medium }: Device, { store }: Process): boolean {
  medium.clearFault()
  return disk?.length === 0 && store.outbox.size === store.outbox.mutations.length
}

/** Nothing else that is stored in these worlds is as large. */
function partsOf({ medium }: Device): number {
  return [...medium.records.values()].filter(({ length }) => length > reserveBytes / 2 - 2_000).length
}
