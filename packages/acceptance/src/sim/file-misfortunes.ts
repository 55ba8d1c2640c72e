import type { Device } from './device.ts'
import type { Trouble } from './exchanges.ts'
import type { World } from './world.ts'

/** Something goes wrong with the next upload: on its way, on this device, or on the server's disk. */
export function trouble({ dice, exchanges, house }: World, device: Device): void {
  const troubles: readonly (() => void)[] = [
    ...onTheWay.map(trouble => () => exchanges.plan(trouble)),
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

const onTheWay: readonly Trouble[] = [
  'upload cut',
  'upload cut',
  'upload cut',
  'answer to an upload lost',
  'answer to an upload lost',
  'upload arrives twice',
  'upload falls silent',
]

/** Somebody has removed its bytes, while no server was up. */
export function loseOne(world: World): void {
  const { ledger, dice } = world
  const { paths } = ledger
  if (paths.length === 0) return
  world.crashHouse(() => ledger.lose(dice.pick(paths)))
}

export function deleteOne({ ledger, dice, house }: World): void {
  const { paths } = ledger
  if (paths.length === 0 || !house?.files) return
  // best one that somebody shows
  const named = paths.filter(path => ledger.isNamed(path))
  const files = [`cloud://sim.nearcloud/${dice.pick(named.length > 0 ? named : paths)}`]
  void house.files.ask({ kind: 'admin' }, { verb: 'delete', files }).catch(() => undefined)
}
