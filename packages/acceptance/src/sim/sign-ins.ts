import type { Dice } from '../scenario/dice.ts'
import { type Deed, discard, write } from './deeds.ts'
import type { Device } from './device.ts'
import type { SharedDevice } from './shared-device.ts'
import type { World } from './world.ts'

/** Several people use one device. */
export function usersOf(world: World): readonly Deed[] {
  const { shared, dice } = world
  const able = (weight: number, name: string, act: (shared: SharedDevice) => void): Deed => [
    shared ? weight : 0,
    name,
    () => {
      if (shared?.isFree) act(shared)
    },
  ]
  return [
    able(140, 'sign in', shared => signIn(shared, dice)),
    able(50, 'sign in again', shared => shared.signInAgain()),
    able(30, 'switch user', shared => switchUser(shared, dice)),
    able(16, 'away for long', shared => beAway(world, shared)),
    able(24, 'sign out', shared => shared.signOut(dice.below(3) === 0)),
  ]
}

/** Longer than some sessions last, with something to send at the end. */
async function beAway(world: World, { active }: SharedDevice): Promise<void> {
  const { live } = active
  if (!live) return
  world.count('client held offline')
  live.sync.goOffline()
  write(world, live, active)
  await world.schedule.pass(world.dice.pick([7_000, 7_000, 7_000, 7_000, 7_000, 7_000, 32_000]))
  if (active.live === live) live.sync.goOnline()
}

function signIn(shared: SharedDevice, dice: Dice): void {
  const { active } = shared
  const isOnline = active.live?.sync.state === 'online'
  const choices = isOnline ? choicesOnline : ([undefined, 'keep', 'keep', 'discard'] as const)
  const choice = shared.isAnonymous ? dice.pick(choices) : undefined
  if (choice === 'merge') signInAndMerge(shared, dice)
  else shared.signIn(dice.pick(names), choice)
}

const names = ['cleo', 'dora'] as const

/** An anonymous user gives what they have to who signs in. */
export function signInAndMerge(shared: SharedDevice, dice: Dice): void {
  const { active } = shared
  const uid = dice.pick(names)
  // what was refused has to be dealt with before, and what is refused meanwhile once more
  discardAll(active)
  shared.signIn(uid, 'merge', () => {
    discardAll(active)
    if (shared.isFree) shared.signIn(uid, 'merge')
  })
}

function discardAll(device: Device): void {
  while (device.live && discard(device.live, device));
}

/** To merge there has to be a server. */
const choicesOnline = [
  'keep',
  'discard',
  'merge',
  'merge',
  'merge',
  'merge',
  'merge',
  'merge',
  'merge',
] as const

function switchUser(shared: SharedDevice, dice: Dice): void {
  const others = shared.others.filter(({ isSealed }) => !isSealed)
  if (others.length > 0) shared.switchTo(dice.pick(others).slot)
  else shared.signInAnonymously()
}

/** An anonymous user signs in by name, with writes that nobody was sent; any other makes room for one. */
export async function changeUsers(world: World): Promise<void> {
  const { shared, dice } = world
  const { live } = shared?.active ?? {}
  if (!shared?.isFree || !live) return
  if (dice.below(3) === 0) shared.register.faultAt(1 + dice.below(6), dice.pick(['stop', 'fail', 'full']))
  for (let i = dice.below(3); i > 0; i--) write(world, live, shared.active)
  if (shared.isAnonymous) signIn(shared, dice)
  else if (dice.below(3) === 0) return beAway(world, shared)
  else if (dice.below(2) === 0) switchUser(shared, dice)
  else shared.signOut(dice.below(2) === 0)
}
