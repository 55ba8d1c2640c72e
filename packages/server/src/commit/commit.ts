import {
  CloudError,
  documentText,
  type Outcome,
  type TextWrite,
  toCloudError,
  type Version,
  type Write,
} from '@nearcloud/protocol'
import {
  type Applied,
  applyWrite,
  checkWrite,
  compileFilter,
  valueAt,
  type WriteContext,
} from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import { indexesCollection } from '../indexes/open-index.ts'
import type { TextAuthor } from '../texts/group-texts.ts'
import { transactionConflict } from '../transactions/transaction-errors.ts'
import { checkRights, judgedWrite, ownedBy, untold } from './authorise.ts'
import type { CommitRequest, Decision, Effect, SeenDocument } from './environment.ts'
import type { Group } from './group.ts'
import type { Staged, StagedChange } from './stage.ts'

/** The pipeline, in the order it happens. The caller makes the group durable and publishes it afterwards. */
export function commit(group: Group, request: CommitRequest): Decision {
  const earlier = group.decidedBefore(request) // a retry gets its first answer
  if (earlier) return earlier
  const decision = decide(group, request)
  group.remember(request, decision)
  return decision
}

function decide(group: Group, request: CommitRequest): Decision {
  const { actor } = request
  group.reads.beginCommit()
  const context = contextOf(group, request)
  group.texts.beginCommit(() => authorOf(group, request))
  const effects: Effect[] = []
  const superseded: string[] = []
  let changed: readonly StagedChange[]
  try {
    if ('client' in request && request.client.refusal) throw request.client.refusal
    if ('seen' in request) checkSeen(group, request.seen ?? [])
    const isWanted = 'where' in request && request.where ? compileFilter(request.where) : undefined
    for (const asked of writesOf(request)) {
      if (actor.kind !== 'admin') checkWrite(asked, actor.kind === 'function' ? 'server' : 'client')
      if (asked.collection === indexesCollection && !group.isOurs) throw notByHand()
      const before = group.stage.get(asked.collection, asked.id)
      if (isWanted && !(before && isWanted(before.stored.doc))) {
        effects.push({ id: asked.id, existed: false, exists: false })
        continue
      }
      const write = asked.op === 'text' ? shownAs(group, asked) : ownedBy(actor, asked, before)
      const applied = toldTo(group, actor, write, before, () =>
        asked.op === 'text'
          ? edited(asked, write, before, context)
          : applyWrite(before?.stored ?? null, write, context),
      )
      effects.push({ id: asked.id, existed: before !== null, exists: applied.after !== null })
      // whatever it assigned, the removal has overtaken
      if (asked.op === 'update' && !before) superseded.push(`${write.collection}/${write.id}`)
      for (const path of applied.superseded) superseded.push(`${write.collection}/${write.id}/${path}`)
      if (!applied.touched) continue
      const after = restage(before, applied.after, context.version)
      if (asked.op !== 'text' && group.texts.concerns(write))
        group.texts.follow(write, after?.stored.doc ?? null, applied.superseded)
      authorise(group, actor, write, before, after)
      group.stage.try(write.collection, write.id, after, write.op === 'set')
    }
    changed = group.stage.changes
    group.keys.accept(group.keys.rekey(changed))
  } catch (thrown) {
    group.stage.discard()
    group.texts.refuse(writesOf(request))
    return { outcome: rejected(group, request, thrown), effects: [] }
  }
  group.stage.accept()
  group.texts.accept()
  const version = changed.length === 0 ? group.version : context.version
  group.record(request, version, changed)
  const outcome: Outcome = {
    id: mutationId(request),
    status: 'accepted',
    version,
    ...(superseded.length > 0 && { superseded }),
  }
  return { outcome, effects }
}

function checkSeen({ stage }: Group, seen: readonly SeenDocument[]): void {
  for (const { collection, id, version } of seen)
    if ((stage.get(collection, id)?.version ?? 0) !== version) throw transactionConflict(collection, id)
}

export function writesOf(request: CommitRequest): readonly Write[] {
  return 'client' in request ? request.client.mutation.writes : request.writes
}

/** An edit of a text, as what it does to the document: its field says what the text says. */
function shownAs(group: Group, write: TextWrite): Write {
  const { collection, id, path } = write
  return { op: 'update', collection, id, changes: [[path, 'set', group.texts.edit(write)]] }
}

/** An edit is never superseded; one that changes no character leaves the document as it is. */
function edited({ path }: TextWrite, shown: Write, before: Staged | null, context: WriteContext): Applied {
  const stored = before?.stored ?? null
  const isSame = shown.op === 'update' && stored && valueAt(stored.doc, path) === shown.changes[0]![2]
  if (isSame) return { after: stored, touched: true, superseded: [] }
  return applyWrite(stored, shown, { ...context, base: Number.POSITIVE_INFINITY })
}

function authorOf({ texts, version }: Group, request: CommitRequest): TextAuthor {
  const { actor } = request
  const ours = `${texts.serverName}-${version + 1}`
  if (!('client' in request)) return { actor, client: null, origin: request.origin, beginning: ours }
  const { id, mutation } = request.client
  return { actor, client: id, origin: undefined, beginning: mutation.nonce || ours }
}

function mutationId(request: CommitRequest): number {
  return 'client' in request ? request.client.mutation.id : 0
}

/** Where the writes stand: a client's time never runs back, and never ahead of their receipt. */
function contextOf(group: Group, request: CommitRequest): WriteContext {
  const { now, version, horizon } = group
  if (!('client' in request))
    return { base: Number.POSITIVE_INFINITY, time: now, version: version + 1, now, horizon }
  const { id, mutation } = request.client
  return {
    // a base above the head is a version of another history, of which it says nothing here
    base: mutation.base <= version ? mutation.base : 0,
    time: group.timeOf(id, mutation.time),
    version: version + 1,
    now,
    horizon,
  }
}

function notByHand(): CloudError {
  return new CloudError('DATABASE_PERMISSION_DENIED', {
    errMsg: 'indexes are changed by createIndex and dropIndex',
  })
}

function restage(before: Staged | null, after: Staged['stored'] | null, version: Version): Staged | null {
  if (!after) return null
  const unchanged = before && before.stored.doc === after.doc && before.stored.stamps === after.stamps
  return unchanged ? before : { stored: after, text: documentText(after.doc), version }
}

/** Why a write cannot be done may quote the document: that is for who may read it. */
function toldTo<T>(
  { judge, reads }: Group,
  actor: Actor,
  { collection, id }: Write,
  before: Staged | null,
  work: () => T,
): T {
  try {
    return work()
  } catch (thrown) {
    const mayRead =
      before === null || reads.guess(() => judge.mayRead(actor, collection, before.stored.doc, reads), false)
    throw mayRead ? thrown : untold(thrown, { collection, id })
  }
}

function authorise(
  { judge, reads }: Group,
  actor: Actor,
  write: Write,
  before: Staged | null,
  after: Staged | null,
): void {
  const judged = judgedWrite(write, before?.stored.doc ?? null, after?.stored.doc ?? null)
  checkRights(
    judge,
    actor,
    { write, judged },
    reads.guess(() => judge.judgeWrite(actor, judged, reads), { allowed: true }),
  )
}

/** A refusal is an answer. What is no CloudError is a defect of ours: it is logged, and its words stay home. */
function rejected(group: Group, request: CommitRequest, thrown: unknown): Outcome {
  const id = mutationId(request)
  if (!(thrown instanceof CloudError)) {
    group.log({
      level: 'error',
      event: 'commit.failed',
      message: `a write could not be decided: ${toCloudError(thrown).errMsg}`,
      facts: { stack: thrown instanceof Error ? thrown.stack : undefined },
    })
    return { id, status: 'rejected', code: 'SYS_ERR', reason: 'the server could not carry out this write' }
  }
  const { code, errMsg, details } = thrown
  return {
    id,
    status: 'rejected',
    code,
    reason: errMsg,
    ...(Object.keys(details).length > 0 && { details }),
  }
}
