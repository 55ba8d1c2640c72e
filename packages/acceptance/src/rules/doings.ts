import { aggregates, checks, counts, gets, watches } from './asking.ts'
import { files } from './files.ts'
import type { Check, Fuzz } from './fuzz.ts'
import { come, enters, operatorWrites, subscribes, unsubscribes, userWrites } from './people.ts'
import { replicates } from './replicas.ts'

export function begin(fuzz: Fuzz, underWay: Promise<unknown>[]): Check | undefined {
  const { world } = fuzz
  const { dice } = world
  const listener = dice.pick(world.listeners)
  if (!listener.isOpen && dice.below(4) > 0) return come(fuzz, listener, underWay)
  switch (dice.below(22)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return operatorWrites(fuzz, underWay)
    case 4:
    case 5:
    case 6:
      return listener.isOpen ? userWrites(fuzz, listener, underWay) : undefined
    case 7:
    case 8:
      return listener.isOpen ? subscribes(fuzz, listener) : undefined
    case 9:
      return unsubscribes(fuzz, listener)
    case 10:
    case 11:
      return listener.isOpen ? counts(fuzz, listener, underWay) : undefined
    case 12:
    case 13:
      return listener.isOpen ? aggregates(fuzz, listener, underWay) : undefined
    case 14:
      return listener.isOpen ? checks(fuzz, listener, underWay) : undefined
    case 15:
      return gets(fuzz, underWay)
    case 16:
      return watches(fuzz, underWay)
    case 17:
      return listener.isOpen ? files(fuzz, listener, underWay) : undefined
    case 18:
      return listener.isOpen ? enters(fuzz, listener) : undefined
    case 19:
    case 20:
      return replicates(fuzz, listener, underWay)
    default:
      return come(fuzz, listener, underWay)
  }
}
