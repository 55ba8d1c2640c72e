import { type DocumentData, encode, type PathChange, type Value, type Write } from '@nearcloud/protocol'
import { valueAt } from '../paths.ts'
import type { Client, Server } from './replicas.ts'

/** An operation, and what its author saw. */
interface Written {
  readonly made: PathChange | Write
  readonly base: number
  readonly time: number
  /** The name of the element that the path leads to. */
  readonly element: Value | undefined
}

interface Assignment {
  readonly version: number
  readonly time: number
}

/**
 * The rules of merging by the plainest means, held against every step of a schedule: an independent account of who assigned
 * what, and of what each operator makes of what is there.
 */
export class Laws {
  readonly #server: Server
  readonly #written = new Map<Client, Written[]>()
  /** By path, the assignment that stands. */
  #assigned = new Map<string, Assignment>()
  #pushed = new Map<string, number>()
  #mayLosePushed = false
  /** Lists some of whose elements were edited. */
  readonly #edited = new Set<string>()

  constructor(server: Server) {
    this.#server = server
  }

  written(client: Client, made: PathChange | Write): void {
    const element = isChange(made) ? nameAt(client.seen, made[0]) : undefined
    if (isChange(made)) client.update(made)
    else client.write(made)
    const list = this.#written.get(client) ?? []
    list.push({ made, element, base: client.base, time: this.#server.time })
    this.#written.set(client, list)
  }

  arrives(client: Client): void {
    const written = this.#written.get(client)!.shift()!
    const before = this.#server.stored ? this.#server.data : undefined
    const rejected = client.rejected
    const superseded = client.send(1)
    const isRejected = client.rejected > rejected
    const after = this.#server.stored ? this.#server.data : undefined
    const { made } = written
    if (isRejected || superseded.length > 0)
      check(
        same(before, after) || (isChange(made) && made[1] === 'rename'),
        'what is refused or superseded changes nothing',
      )
    if (!isChange(made)) this.#whole(written, made, before, after, { superseded, isRejected })
    else if (!before || !after) check(!before && !after, 'a change finds nothing where there is nothing')
    else if (!isRejected) this.#change(written, made, before, after, superseded)
  }

  /** Everything pushed is there once, unless something took it. */
  atTheEnd(): void {
    const list = valueAt(this.#server.data, 'l')
    const there = Array.isArray(list) ? (list as readonly Value[]).map(each => valueAt(each, 'id')) : []
    for (const tag of this.#pushed.keys()) {
      const count = there.filter(id => id === tag).length
      check(
        count === 1 || (count === 0 && this.#mayLosePushed),
        `${tag} was pushed once and is there ${count} times`,
      )
    }
    const set = valueAt(this.#server.data, 'g')
    if (Array.isArray(set)) check(new Set(set).size === set.length, 'no value is in a set twice')
  }

  #whole(
    written: Written,
    write: Write,
    before: DocumentData | undefined,
    after: DocumentData | undefined,
    { superseded, isRejected }: { superseded: readonly string[]; isRejected: boolean },
  ): void {
    this.#mayLosePushed = true
    if (write.op === 'remove') check(after === undefined, 'a removal wins')
    else if (write.op === 'add')
      check(isRejected === (before !== undefined), 'an add of what exists is rejected')
    else this.#assignment(written, '', superseded.length === 0)
    if (write.op === 'remove') this.#assigned = new Map()
    if (write.op === 'add' && !isRejected) this.#assignment(written, '', true)
    if (write.op !== 'set' || superseded.length > 0) return
    // what was edited later and apart survives, the rest is what was set
    const kept = new Set([...this.#edited, ...[...this.#assigned.keys()].map(path => path.split('.')[0]!)])
    for (const key of new Set([...Object.keys(after!), ...Object.keys(write.data)]))
      if (!kept.has(key)) check(same(after![key], write.data[key]), `${key} is what was set`)
  }

  #change(
    written: Written,
    [path, operator, argument]: PathChange,
    before: DocumentData,
    after: DocumentData,
    superseded: readonly string[],
  ): void {
    if (path.startsWith('l.')) {
      this.#element(written, path, before, after, superseded)
      return
    }
    if (operator === 'rename') {
      this.#rename(written, path, argument as string, before, after, superseded)
      return
    }
    const isTaken = ['pop', 'shift', 'pull', 'pullAll', 'set', 'remove'].includes(operator)
    if (path === 'l' && (isTaken || valueAt(argument, 'slice') !== undefined)) this.#mayLosePushed = true
    if (operator === 'set' || operator === 'remove') {
      this.#assignment(written, path, superseded.length === 0)
      if (superseded.length > 0) return
      const wanted = operator === 'set' ? argument : undefined
      const isKept = [...this.#assigned.keys()].some(each => each.startsWith(`${path}.`))
      if (!isKept && path !== 'l') check(same(valueAt(after, path), wanted), `${path} is what was assigned`)
      return
    }
    // who has not seen that all was replaced may look for an unnamed element in vain
    const isReplaced = written.base < (this.#assigned.get('')?.version ?? 0)
    check(superseded.length === 0 || (path === 'w.0' && isReplaced), `${operator} is never superseded`)
    if (superseded.length > 0) return
    if (path === 'w.0') {
      const [old, now] = [before.w as readonly number[], after.w as readonly number[]]
      const added = now.map((each, index) => each - (old[index] ?? 0))
      check(isReplaced || added[0] === 1, 'the place that was meant counts one more')
      check(added.reduce((sum, each) => sum + each) === 1, 'one more in all')
      return
    }
    if (operator === 'push') {
      for (const tag of tagsOf(argument)) this.#pushed.set(tag, 1)
      return
    }
    const plain = plainly[operator]
    if (plain)
      check(same(valueAt(after, path), plain(valueAt(before, path), argument)), `${operator} is executed`)
  }

  /** An edit of an element reaches that element, or nothing, and says so. */
  #element(
    { element }: Written,
    path: string,
    before: DocumentData,
    after: DocumentData,
    superseded: readonly string[],
  ): void {
    this.#edited.add('l')
    if (element === undefined) return
    const [old, now] = [before, after].map(data => valueAt(data, 'l'))
    const isThere = Array.isArray(old) && old.some(each => valueAt(each, 'id') === element)
    if (!isThere && path !== 'l.1') check(superseded[0] === path, `${path} is reported: its element is gone`)
    if (superseded.length > 0) return
    check(Array.isArray(old) && Array.isArray(now) && old.length === now.length, 'no element comes or goes')
    const changed = (old as readonly Value[]).filter((each, at) => !same(each, (now as readonly Value[])[at]))
    check(changed.length <= 1, 'one element changes')
    if (path !== 'l.1')
      check(
        changed.every(each => valueAt(each, 'id') === element),
        'it is the one that was meant',
      )
    else this.#mayLosePushed = true
  }

  #rename(
    written: Written,
    path: string,
    to: string,
    before: DocumentData,
    after: DocumentData,
    superseded: readonly string[],
  ): void {
    if (before[path] === undefined) {
      check(same(before, after), 'a rename of nothing does nothing')
      return
    }
    this.#assignment(written, path, !superseded.includes(path))
    if (superseded.includes(path)) {
      check(same(before, after), 'a rename of what was assigned later does nothing')
      return
    }
    this.#assignment(written, to, !superseded.includes(to))
    check(after[path] === undefined, 'the old name is gone')
    check(same(after[to], superseded.includes(to) ? before[to] : before[path]), 'the value has the new name')
  }

  /** It wins exactly when everything that stands on the path or around it was known to its author or is not newer. */
  #assignment({ base, time }: Written, path: string, isWon: boolean): void {
    const beats = (other: Assignment) => base >= other.version || time >= other.time
    const around = [...this.#assigned].filter(
      ([each]) => each === '' || each === path || path.startsWith(`${each}.`),
    )
    check(isWon === around.every(([, other]) => beats(other)), `${path} is won by knowledge or time`)
    if (!isWon) return
    for (const [each, other] of this.#assigned)
      if ((path === '' || each.startsWith(`${path}.`)) && beats(other)) this.#assigned.delete(each)
    this.#assigned.set(path, { version: this.#server.version, time })
  }
}

/** What an operator makes of a value, read from its description. */
const plainly: Readonly<Record<string, (value: Value | undefined, argument: Value) => Value | undefined>> = {
  inc: (value, by) => ((value as number | undefined) ?? 0) + (by as number),
  mul: (value, by) => ((value as number | undefined) ?? 0) * (by as number),
  min: (value, other) => Math.min((value as number | undefined) ?? Number.POSITIVE_INFINITY, other as number),
  max: (value, other) => Math.max((value as number | undefined) ?? Number.NEGATIVE_INFINITY, other as number),
  bit: (value, argument) => ((value as number | undefined) ?? 0) ^ (valueAt(argument, 'xor') as number),
  addToSet: (value, added) => [
    ...new Set([...((value as Value[] | undefined) ?? []), ...(added as Value[])]),
  ],
  pop: value => (value as Value[] | undefined)?.slice(0, -1),
  shift: value => (value as Value[] | undefined)?.slice(1),
  pull: value => (value as Value[] | undefined)?.filter(each => valueAt(each, 'id') !== 'q'),
  pullAll: (value, unwanted) =>
    (value as Value[] | undefined)?.filter(each => !(unwanted as Value[]).some(other => same(each, other))),
}

function isChange(made: PathChange | Write): made is PathChange {
  return Array.isArray(made)
}

/** The `id` of the element at the beginning of a path through `l`. */
function nameAt(data: DocumentData, path: string): Value | undefined {
  return path.startsWith('l.') ? valueAt(data, `l.${path.split('.')[1]}.id`) : undefined
}

function tagsOf(argument: Value): readonly string[] {
  const list = (Array.isArray(argument) ? argument : valueAt(argument, 'each')) as readonly Value[]
  return list.map(each => valueAt(each, 'id') as string)
}

function same(a: Value | undefined, b: Value | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && encode(a) === encode(b))
}

function check(isSo: boolean, law: string): void {
  if (!isSo) throw new Error(`not so: ${law}`)
}
