import type { PathChange, Write } from '@nearcloud/protocol'
import type { Device } from './device.ts'
import { commitInTurn } from './operator.ts'
import { documentKey } from './sim-disk.ts'
import type { World } from './world.ts'

/** More than one page of them. */
export const roles = ['role1', 'role2', 'role3', 'role4', 'role5'] as const

/**
 * Somebody enters a room or leaves it, is made an editor or no more; mostly of those who are away, when there are any.
 * What rules read changes, and no document with it. So it goes on, perhaps, and back again.
 */
export function changeMembers(world: World): void {
  const { dice, devices, judge } = world
  if (!judge.readsOthers && dice.below(4) > 0) return
  const away = devices.filter(({ live }) => live?.sync.state !== 'online')
  const device = dice.pick(away.length > 0 && dice.below(2) === 0 ? away : devices)
  commitInTurn(world, turnsOf(world, device, dice.pick([1, 1, 2, 3, 4, 5]), dice.below(2) === 0))
}

/** Somebody who has all of a query is out of reach while rights change, and back as soon as that is done. */
export function changeBehind(world: World): void {
  const { dice, devices, judge } = world
  if (!judge.readsOthers) return
  const able = devices.flatMap(device => {
    const process = device.live
    if (process?.sync.state !== 'online') return []
    const whole = [...process.store.subscriptions.values()].filter(
      ({ complete, window }) => complete && !window,
    )
    return whole.flatMap(({ query: { collection } }) =>
      collection === 'mine' ? [] : [{ device, sync: process.sync, collection }],
    )
  })
  if (able.length === 0) return
  const { device, sync, collection } = dice.pick(able)
  const isOfRoom = collection === 'notes'
  // what is here may have been let go a moment ago
  const wanted = device.wanted.filter(({ query }) => query.collection === collection)
  if (dice.below(3) > 0) for (const each of wanted) device.unwant(each)
  world.count('client held offline')
  sync.goOffline()
  commitInTurn(world, turnsOf(world, device, dice.pick([1, 1, 3]), isOfRoom), () => sync.goOnline())
}

function turnsOf(
  world: World,
  device: Device,
  count: number,
  isOfRoom: boolean,
): readonly (() => readonly Write[])[] {
  const user = device.live?.store.checkpoint.openid ?? device.options.openid ?? 'guest1'
  const room = world.dice.below(3) === 0 ? 'r2' : 'r1'
  return Array.from({ length: count }, () => () => [
    isOfRoom ? ofRoom(world, room, user) : ofRole(world, user),
  ])
}

function ofRoom({ disk }: World, id: string, user: string): Write {
  const members = (disk.at(documentKey('rooms', id), Number.POSITIVE_INFINITY)?.document?.members ??
    []) as string[]
  const change: PathChange = members.includes(user)
    ? ['members', 'pullAll', [user]]
    : ['members', 'addToSet', [user]]
  return { op: 'update', collection: 'rooms', id, changes: [change] }
}

function ofRole({ disk, dice }: World, user: string): Write {
  const held = roles.filter(id => {
    const role = disk.at(documentKey('roles', id), Number.POSITIVE_INFINITY)?.document
    return role?.user === user && role.role === 'editor'
  })
  const [collection, id] = ['roles', dice.pick(held.length > 0 ? held : roles)]
  return { op: 'set', collection, id, data: { user, role: held.length > 0 ? 'reader' : 'editor' } }
}
