import { CloudError, type DocId, type Document, type DocumentData, type Write } from '@nearcloud/protocol'
import { withPlainTexts } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Judge, JudgedWrite, Judgement } from '../rules/judge.ts'

/** What a user makes is theirs, and only the server says so. */
export function ownedBy(actor: Actor, write: Write, before: object | null): Write {
  if (actor.kind !== 'user' || (write.op !== 'add' && write.op !== 'set')) return write
  if (Object.hasOwn(write.data, '_openid'))
    throw new CloudError('INVALID_PARAM', {
      errMsg: `${write.collection}.${write.op}: _openid cannot be in the data, the server writes it`,
    })
  return before ? write : { ...write, data: { _openid: actor.openid, ...write.data } }
}

/** In place of what would quote a document to one who may not read it. That an id is taken quotes nothing. */
export function untold(thrown: unknown, { collection, id }: { collection: string; id: DocId }): unknown {
  if (thrown instanceof CloudError && thrown.code === 'DUPLICATE_ID') return thrown
  return new CloudError('DATABASE_PERMISSION_DENIED', {
    errMsg: `${collection}: this cannot be done to a document that this user may not read`,
    details: { collection, id },
  })
}

/** A write as the judge looks at it. */
export function judgedWrite(write: Write, before: Document | null, after: Document | null): JudgedWrite {
  const op = before === null ? 'create' : after === null ? 'delete' : 'update'
  return { collection: write.collection, op, before, after, data: dataOf(write) }
}

/** Throws DATABASE_PERMISSION_DENIED, or DATABASE_REQUEST_FAILED for what is not as the collection's schema says. */
export function checkRights(
  judge: Judge,
  actor: Actor,
  { write, judged }: { readonly write: Write; readonly judged: JudgedWrite },
  judgement: Judgement,
): void {
  const { collection, id } = write
  if (!judgement.allowed) {
    const { reason, rule, path } = judgement
    throw new CloudError('DATABASE_PERMISSION_DENIED', {
      errMsg: reason,
      details: { collection, id, rule, ...(path !== undefined && { path }) },
    })
  }
  const fault = judge.checkDocument?.(actor, judged)
  if (!fault) return
  const { path, keyword, words } = fault
  throw new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `${collection}: ${path === '' ? 'the document' : `"${path}"`} ${words}, says the schema of the collection`,
    details: { reason: 'schema', collection, id, path, keyword },
  })
}

function dataOf(write: Write): DocumentData | null {
  switch (write.op) {
    case 'add':
    case 'set':
      return withPlainTexts(write.data) as DocumentData
    case 'update': {
      const assigned: { [path: string]: DocumentData[string] } = {}
      // whatever is done to a field, it is named; what it then is, the document says
      for (const [path, operator, argument] of write.changes)
        assigned[path] = operator === 'set' ? withPlainTexts(argument) : null
      return assigned
    }
    case 'text':
    case 'remove':
      return null
  }
}
