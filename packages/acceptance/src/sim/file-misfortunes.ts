import type { Deed } from './deeds.ts'
import type { Device } from './device.ts'
import type { Trouble } from './exchanges.ts'
import type { World } from './world.ts'

/** Something goes wrong with the next upload: on its way, on this device, or on the server's disk. */
export function trouble({ dice, exchanges, house }: World, device: Device): void {
  const troubles: readonly (() => void)[] = [
    ...onTheWay.map(trouble => () => exchanges.plan('PUT', trouble)),
    () => device.faultAtFiles(1 + dice.below(4), dice.pick(['stop', 'fail', 'full', 'full'])),
    () => {
      if (house) house.isDiskFull = true
    },
    ...[8, 14].map(most => () => {
      if (house) house.fatalTurn = 1 + dice.below(most)
    }),
  ]
  dice.pick(troubles)()
}

const onTheWay: readonly Trouble[] = ['cut', 'cut', 'cut', 'answer lost', 'answer lost', 'twice', 'silent']

/** Somebody has removed its bytes, while no server was up. */
export function loseOne(world: World): void {
  const { ledger, dice } = world
  const { paths } = ledger
  if (paths.length === 0) return
  // best one that its device sends once more, since it has not heard that it is there
  const untold = paths.filter(path => ledger.isUntold(path))
  world.crashHouse(() => ledger.lose(dice.pick(untold.length > 0 ? untold : paths)))
}

export function deleteOne({ ledger, dice, house }: World): void {
  const { paths } = ledger
  if (paths.length === 0 || !house?.files) return
  // best one that somebody shows, or that its device is about to send once more
  const named = paths.filter(path => ledger.isNamed(path))
  const untold = paths.filter(path => ledger.isUntold(path))
  const best = untold.length > 0 && dice.below(2) === 0 ? untold : named
  const files = [`cloud://sim.nearcloud/${dice.pick(best.length > 0 ? best : paths)}`]
  void house.files.ask({ kind: 'admin' }, { verb: 'delete', files }).catch(() => undefined)
}

/** The server goes on from an earlier day, in which there were other files. */
export function setBackWithFiles(world: World): Deed {
  const { disk, dice, ledger } = world
  return [
    30,
    'server set back with files',
    () => {
      if (ledger.paths.length === 0) return undefined
      world.count('server set back to an earlier day')
      return world.setHouseBack(Math.max(2, disk.batches - 1 - dice.below(6)))
    },
  ]
}
