import type { ElementGuard, Value } from '@nearcloud/protocol'
import { fieldOf, joinPath, segmentsOf } from '../paths.ts'
import type { Stored, WriteContext } from '../types.ts'
import { hashOf } from './elements.ts'
import { isUnseen, isUnseenAround, orderOf } from './stamps.ts'

/**
 * Where the changes of one update apply in the document that is there: elements may have moved since their author saw them.
 *
 * An index holds while nobody moved elements of its array unseen. Otherwise the element that its guard names is looked
 * for, the nearest of several; one element is never taken for two.
 */
export class Places {
  readonly #stored: Stored
  readonly #context: WriteContext
  readonly #known = new Map<Value, Known>()

  constructor(stored: Stored, context: WriteContext) {
    this.#stored = stored
    this.#context = context
  }

  /** The path as it is now; undefined when an element it leads through is gone. */
  of(path: string, guards: readonly ElementGuard[] | undefined): string | undefined {
    if (!guards) return path
    const segments = [...segmentsOf(path)]
    let value: Value | undefined = this.#stored.doc
    let place = ''
    let next = 0
    for (const [at, segment] of segments.entries()) {
      const guard = guards[next]
      if (guard?.[0] === at) {
        next++
        if (!Array.isArray(value)) return undefined
        const isWhole = at === segments.length - 1
        const index = this.#indexNow(value as readonly Value[], place, Number(segment), guard, isWhole)
        if (index === undefined) return undefined
        segments[at] = String(index)
      }
      value = fieldOf(value, segments[at]!)
      place = joinPath(place, segments[at]!)
    }
    return place
  }

  #indexNow(
    list: readonly Value[],
    place: string,
    index: number,
    guard: ElementGuard,
    isWhole: boolean,
  ): number | undefined {
    const [, by, hash, length] = guard
    const known = this.#knownOf(list)
    if (this.#holds(list, place, index, guard, isWhole)) return known.take(index, index)
    const found = known.nearest(by, hash, index)
    if (found !== undefined) return found
    // without stamps nobody can tell what was changed in place from what is gone, and the server will say
    const isHere = this.#knowsNoStamps && by === '' && index < Math.min(list.length, length)
    return isHere ? known.take(index, index) : undefined
  }

  /** Is the element that the author saw at the index there still? */
  #holds(
    list: readonly Value[],
    place: string,
    index: number,
    [, by, hash, length]: ElementGuard,
    isWhole: boolean,
  ): boolean {
    const isByPlace = isWhole || by === ''
    if (this.#knowsNoStamps)
      return (
        (index < list.length && hashOf(list[index]!, by) === hash) || (isByPlace && list.length === length)
      )
    const { stamps } = this.#stored
    if (isUnseenAround(stamps, place, this.#context) || isUnseen(stamps, orderOf(place), this.#context))
      return false
    const isReplaced = isUnseen(stamps, joinPath(place, String(index)), this.#context)
    // its author saw a list that never was: with a write of their own that was refused, or did something else
    if (by !== '' && !isReplaced && hashOf(list[index] ?? null, by) !== hash) return false
    // a named element that was replaced where it stood is gone, for what is to change inside it
    return isByPlace || !isReplaced
  }

  /** A local replay: the document is what the server said, the stamps stayed there. */
  get #knowsNoStamps(): boolean {
    return this.#context.base === Number.POSITIVE_INFINITY
  }

  #knownOf(list: readonly Value[]): Known {
    const known = this.#known.get(list) ?? new Known(list)
    this.#known.set(list, known)
    return known
  }
}

/** The elements of one array, by what guards say of them. */
class Known {
  readonly #list: readonly Value[]
  readonly #byGuard = new Map<string, number[]>()
  readonly #read = new Set<string>()
  /** By the index now, the one it had for the author. */
  readonly #taken = new Map<number, number>()

  constructor(list: readonly Value[]) {
    this.#list = list
  }

  take(index: number, asked: number): number {
    this.#taken.set(index, asked)
    return index
  }

  /** The nearest to `asked` that no other index was found to be; of two as near, the later. */
  nearest(by: ElementGuard[1], hash: string, asked: number): number | undefined {
    // mostly it moved by a few places, and an edit that is replayed again and again should not read a long list each time
    if (by !== '' && !this.#read.has(by))
      for (let step = 0; step <= nearbySteps; step++)
        for (const index of step === 0 ? [asked] : [asked + step, asked - step])
          if (this.#isAt(index, by, hash) && (this.#taken.get(index) ?? asked) === asked)
            return this.take(index, asked)
    const candidates = this.#named(by).get(`${by}:${hash}`) ?? []
    let after = candidates.findIndex(index => index >= asked)
    if (after < 0) after = candidates.length
    let before = after - 1
    while (before >= 0 || after < candidates.length) {
      const [low, high] = [candidates[before], candidates[after]]
      const isLow = high === undefined || (low !== undefined && asked - low < high - asked)
      const index = isLow ? low! : high
      if ((this.#taken.get(index) ?? asked) === asked) return this.take(index, asked)
      if (isLow) before--
      else after++
    }
    return undefined
  }

  #isAt(index: number, by: ElementGuard[1], hash: string): boolean {
    return index >= 0 && index < this.#list.length && hashOf(this.#list[index]!, by) === hash
  }

  #named(by: ElementGuard[1]): ReadonlyMap<string, number[]> {
    if (this.#read.has(by)) return this.#byGuard
    this.#read.add(by)
    for (const [index, element] of this.#list.entries()) {
      const hash = hashOf(element, by)
      if (hash === undefined) continue
      const key = `${by}:${hash}`
      const same = this.#byGuard.get(key)
      if (same) same.push(index)
      else this.#byGuard.set(key, [index])
    }
    return this.#byGuard
  }
}

const nearbySteps = 8
