import type { Document } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Judge, JudgedWrite, Judgement } from '../rules/judge.ts'

/**
 * A judge for tests of everything else: documents with `public: true` are for all to read and change, others for their
 * creator; titles may not be `bad`. Functions and admin may do everything, strangers nothing.
 */
export class OpenJudge implements Judge {
  version = 'open-1'
  readonly readsOthers: boolean = false

  checkQuery(_actor: Actor, _query: Query): void {}

  mayRead(actor: Actor, _collection: string, document: Document): boolean {
    if (actor.kind === 'admin' || actor.kind === 'function') return true
    if (actor.kind === 'stranger') return false
    return document.public === true || document._openid === actor.openid
  }

  readersOf(actor: Actor): string {
    return JSON.stringify(actor)
  }

  judgeWrite(actor: Actor, { collection, op, before, after }: JudgedWrite): Judgement {
    if (actor.kind === 'admin' || actor.kind === 'function') return { allowed: true }
    if (after?.title === 'bad') return refused('doc.title != "bad"', `${collection}: no bad titles`)
    if (op === 'create' && actor.kind === 'user') return { allowed: true }
    if (before && this.mayRead(actor, collection, before)) return { allowed: true }
    return refused('doc._openid == auth.openid', `${collection}: only its creator may do this`)
  }

  concernedBy(): undefined {}

  judgeFile(actor: Actor): Judgement {
    return actor.kind === 'stranger' ? refused('auth != null', 'sign in first') : { allowed: true }
  }

  mayInvoke(actor: Actor): boolean {
    return actor.kind !== 'stranger'
  }
}

function refused(rule: string, reason: string): Judgement {
  return { allowed: false, rule, reason }
}
