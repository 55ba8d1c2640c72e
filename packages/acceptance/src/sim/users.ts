import type { RegisterState } from '@nearcloud/client/testing'
import type { Document } from '@nearcloud/protocol'
import type { Actor } from '@nearcloud/server'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { documentKey } from './sim-disk.ts'
import type { Tenant } from './tenant.ts'
import { isDecidedGrown } from './texts.ts'
import type { World } from './world.ts'

/** Who wrote what, and what became of the users of a shared device: what has to hold of it. */
export class Users {
  readonly #world: World
  readonly #authors = new Map<string, Device>()
  /** Writes that were removed from a device before anybody was sent them. */
  readonly #removed = new Set<string>()
  /** To whom the server was to give what an openid owned. */
  readonly #mergers = new Map<string, string>()

  constructor(world: World) {
    this.#world = world
  }

  /** A mutation is durable on a device. */
  made(nonce: string, by: Device): void {
    this.#authors.set(nonce, by)
  }

  /** It is about to be sent by this process. */
  inspectPush(nonce: string, by: unknown): void {
    const author = this.#authors.get(nonce)
    if (author && author.process !== by)
      this.#world.violates('USERS', `${nonce} of ${author.name} is sent by another`)
    if (this.#removed.has(nonce))
      this.#world.violates('USERS', `${nonce} was removed from its device, and is sent`)
  }

  /** It was decided in the name of this actor. */
  inspectActor(nonce: string, actor: Actor): void {
    const author = this.#authors.get(nonce)
    if (!author || actor.kind !== 'user' || author.openids.has(actor.openid)) return
    this.#world.violates('USERS', `${nonce} of ${author.name} was decided as ${actor.openid}'s`)
  }

  /** May a document that was of one be of the other now? */
  mayOwn(before: Document, after: Document, actor: Actor): boolean {
    if (before._openid === after._openid) return true
    return actor.kind === 'admin' && this.#mergers.get(String(before._openid)) === after._openid
  }

  /** Nothing of another user is there, between two steps. */
  checkDevice(device: Device, { name, store }: Process): void {
    const { openid } = store.checkpoint
    if (openid !== undefined) device.openids.add(openid)
    const { openid: known } = device.options
    if (known !== undefined && openid !== undefined && known !== openid)
      throw new Violation('USERS', `${name} is of ${known}, and says it is ${openid}`)
    for (const { nonce } of store.outbox.mutations) this.#checkAuthor(nonce, device)
    for (const { mutation } of store.rejected) this.#checkAuthor(mutation.nonce, device)
  }

  #checkAuthor(nonce: string, device: Device): void {
    const author = this.#authors.get(nonce)
    if (author && author !== device)
      throw new Violation('USERS', `${device.name} has ${nonce}, which ${author.name} wrote`)
  }

  /** What the register of the shared device says, and said before. */
  registered(before: RegisterState, now: RegisterState): void {
    const { shared } = this.#world
    if (before.active !== now.active) this.#world.count('another user active')
    const isThere = (slot: string) => now.users.some(user => user.slot === slot)
    for (const { slot } of before.users) if (!isThere(slot)) this.#left(shared!.tenants.get(slot)!, now)
    for (const { slot } of before.merging) {
      if (now.merging.some(each => each.slot === slot)) continue
      const tenant = shared!.tenants.get(slot)!
      if (!isThere(slot)) tenant.acknowledged.clear()
      else this.#world.violates('USERS', `${tenant.name} was to be given away, and is not`)
    }
  }

  #left(tenant: Tenant, { merging }: RegisterState): void {
    const { disk, shared, mutations, ledger } = this.#world
    const { slot, name } = tenant
    const given = merging.find(each => each.slot === slot)
    const undecided = [...tenant.acknowledged].filter(
      nonce => !disk.byNonce.has(nonce) && !ledger.undone.has(nonce) && !isDecidedGrown(this.#world, nonce),
    )
    const waiting = [...ledger.left(tenant), ...this.#world.calls.left(tenant)]
    if (given) {
      this.#world.count('anonymous user merged')
      for (const nonce of undecided)
        this.#world.violates('I1', `${name} becomes ${given.into}, and ${nonce} was never decided`)
      for (const words of waiting)
        this.#world.violates('I1', `${name} becomes ${given.into}, and ${words} was never decided`)
      for (const openid of tenant.openids) this.#mergers.set(openid, given.into)
      return
    }
    if (!shared!.given.delete(slot)) this.#world.violates('USERS', `${name} was removed, and nobody asked`)
    this.#world.count('user removed')
    for (const nonce of undecided) if (!mutations.has(nonce)) this.#removed.add(nonce)
    tenant.acknowledged.clear()
  }

  /** Has the server given a file of the one to the other? */
  isGiven({ _openid: from }: Document, { _openid: into }: Document): boolean {
    return this.#mergers.get(String(from)) === into
  }

  /** At rest: what was to be removed is, and what was to be given has been. */
  checkQuiet(isRestarted: boolean): void {
    const { shared, disk } = this.#world
    const state = shared?.state
    if (!shared || !state) return
    const { users, wiping, merging } = state
    // who was wiped meanwhile asks when they sign in again
    const due = merging.filter(({ into }) => users.some(({ openid }) => openid === into))
    if (due.length > 0) throw new Violation('I10', `${due.map(({ slot }) => slot)} is not given yet`)
    if (isRestarted && wiping.length > 0) throw new Violation('I10', `${wiping} is still to be removed`)
    for (const { slot, name } of shared.tenants.values()) {
      const isKept = [...users, ...merging].some(each => each.slot === slot) || wiping.includes(slot)
      if (!isKept && shared.recordsOf(slot) > 0)
        throw new Violation('USERS', `${name} was removed from this device, and is still on it`)
    }
    for (const { collection, id } of this.#world.stored()) {
      const document = disk.at(documentKey(collection, id), Number.POSITIVE_INFINITY)?.document
      const into = document ? this.#mergers.get(String(document._openid)) : undefined
      if (into !== undefined && !merging.some(each => each.into === into))
        throw new Violation('USERS', `${collection}/${id} was not given to ${into}`)
    }
    for (const [from, into] of this.#mergers)
      if (!merging.some(each => each.into === into))
        for (const path of this.#world.ledger.notGiven(from))
          throw new Violation('USERS', `${path} was not given to ${into}`)
  }
}
