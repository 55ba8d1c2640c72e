import { mutant, seenIn } from './mutant.ts'

const committer = 'server/src/commit/committer.ts'
const commit = 'server/src/commit/commit.ts'
const authorise = 'server/src/commit/authorise.ts'
const group = 'server/src/commit/group.ts'
const greeting = 'server/src/session/greeting.ts'
const route = 'server/src/session/route.ts'

export const ofTheServer = [
  mutant('server: acknowledged before it is durable', [
    committer,
    'if (batch) await engine.commit(env, batch)',
    'if (batch) void engine.commit(env, batch).catch(() => undefined)',
  ]),
  seenIn(
    'again',
    mutant('server: what was decided is decided again', [
      group,
      'if (mutation.id === last + 1) return undefined',
      'if (mutation.id <= last + 1) return undefined',
    ]),
  ),
  mutant('server: outcomes forgotten too early', [
    committer,
    'Math.min(seen, row.lastMutation - keptOutcomes)',
    'seen',
  ]),
  mutant("server: the client's clock believed", [
    group,
    'Math.max(last, Math.floor(Math.min(time, this.now)))',
    'Math.max(last, Math.floor(time))',
  ]),
  mutant('server: the time of a client goes back', [
    group,
    'Math.max(last, Math.floor(Math.min(time, this.now)))',
    'Math.floor(Math.min(time, this.now))',
  ]),
  mutant('server: deleting needs no right', [
    authorise,
    'if (!judgement.allowed) {',
    "if (!judgement.allowed && judged.op !== 'delete') {",
  ]),
  mutant('server: what a user makes belongs to nobody', [
    authorise,
    'return before ? write : { ...write, data: { _openid: actor.openid, ...write.data } }',
    'return write',
  ]),
  mutant('server: a batch is accepted without its refused part', [
    commit,
    '      authorise(group, actor, write, before, after)\n',
    '      try {\n        authorise(group, actor, write, before, after)\n      } catch (refused) {\n        if (effects.length < 2) throw refused\n        continue\n      }\n',
  ]),
  mutant('server: the refused part of a group leaks into the next', [
    commit,
    '    group.stage.discard()\n',
    '',
  ]),
  mutant('server: no rule on changes', [
    'server/src/fanout/items.ts',
    'const isReadable = after !== null && reader.mayRead(collection, after)',
    'const isReadable = after !== null',
  ]),
  mutant('server: a patch for who could not read what it changes', [
    'server/src/fanout/feed.ts',
    'this.followed.holds(collection, before, isArriving) && this.mayRead(collection, before)',
    'true',
  ]),
  mutant('server: no rule on snapshots', [
    'server/src/commit/find.ts',
    'matches(document) && decided(reads, () => judge.mayRead(actor, collection, document, reads))',
    'matches(document)',
  ]),
  mutant('server: what left a query is not told to be gone', [
    'server/src/fanout/items.ts',
    '    return gone(collection, lastVersion, id)\n  // its own',
    '    return undefined\n  // its own',
  ]),
  mutant('server: other rules, the same copy', [
    greeting,
    'hello.viewKey === viewKey && kinship.isWhole',
    'kinship.isWhole',
  ]),
  mutant('server: another history, the same copy', [
    greeting,
    'hello.viewKey === viewKey && kinship.isWhole',
    'hello.viewKey === viewKey',
  ]),
  mutant('server: effects of what is accepted are not told again', [
    greeting,
    'await feed.recall(recalled, head)',
    'await Promise.resolve(true)',
  ]),
  mutant('server: what is gone is not told to who compares', [
    'server/src/fanout/snapshot.ts',
    'for (const id of differences?.missing ?? [])\n    add(',
    'for (const id of [...(differences?.missing ?? [])].slice(1))\n    add(',
  ]),
  seenIn(
    'rules',
    mutant('server: what is gone counts as told when others change it', [
      'server/src/fanout/snapshot.ts',
      'add({ id, version: undefined, text: goneItem',
      'add({ id, version: begun, text: goneItem',
    ]),
  ),
  seenIn(
    'come and go',
    mutant(
      'server: the last part of a snapshot does not wait for what it saw',
      ['server/src/fanout/snapshot.ts', 'row.version, read)', 'row.version)'],
      [
        'server/src/fanout/snapshot.ts',
        'part.newest = Math.max(part.newest, await environment.engine.head(environment.env))',
        'void environment',
      ],
    ),
  ),
  mutant('server: sums of collections do not follow what happens', [
    'server/src/fanout/inventories.ts',
    'if (!page || version <= page.head) return',
    'if (page) return',
  ]),
  mutant('server: what was taken back counts as shared', [
    'server/src/session/kinship.ts',
    'openings[ours + 1]?.start ?? head, version)',
    'version)',
  ]),
  seenIn(
    'forgotten',
    mutant('server: documents of accepted writes are not asked for when history has forgotten them', [
      'server/src/fanout/resume.ts',
      '  return isTold\n}',
      '  return true\n}',
    ]),
  ),
  mutant('server: a gap in the history of who comes back', [
    'server/src/fanout/resume.ts',
    'at = Math.max(changes.at(-1)?.version ?? head, at + 1)',
    'at = head',
  ]),
  mutant('server: pruned history counts as empty', [
    'server/src/fanout/resume.ts',
    'if (!changes) return false',
    'if (!changes) return true',
  ]),
  seenIn(
    'windows',
    mutant('server: a window that looks something up is told behind the rest', [
      'server/src/fanout/feed.ts',
      'this.followed.windows.some(window => window.isBehind)',
      'false',
    ]),
  ),
  seenIn(
    'windows',
    mutant('server: a window tells of a commit before others do', [
      'server/src/fanout/feed.ts',
      'all.some(window => window.asOf > to)',
      'false',
    ]),
  ),
  mutant('server: pong does not wait', [
    route,
    "void feed.caughtUp(session.options.fanout.head).then(() => session.send({ type: 'pong' }))",
    "session.send({ type: 'pong' })",
  ]),
  mutant('server: a window is not refilled', [
    'server/src/commit/live-result.ts',
    'this.#result.runsOut(seen) ? await this.#refill() : []',
    '[]',
  ]),
  mutant('server: own effects told only to followers', [
    'server/src/fanout/fanout.ts',
    'this.#feedOfClient.get(change.client)?.noteOwn(change)',
    'void 0',
  ]),
  mutant('server: a snapshot leaves before the changes it stands on', [
    'server/src/fanout/snapshot.ts',
    'await feed.reached(part.newest)',
    'await Promise.resolve()',
  ]),
  mutant('server: only the last part of a long snapshot', [
    'server/src/fanout/snapshot.ts',
    'for (const full of held) {\n    await send(full, false)',
    'for (const full of []) {\n    await send(full, false)',
  ]),
  mutant('server: only the last part of a change message', [
    'server/src/fanout/feed.ts',
    'for (const part of parts.slice(0, -1)) {',
    'for (const part of parts.slice(0, 0)) {',
  ]),
  mutant('server: parts of a change message each count as all of it', [
    'server/src/fanout/feed.ts',
    'changesFrame({ from, to: from, viewKey, lastMutation, items: part, windows: [] })',
    'changesFrame({ from, to, viewKey, lastMutation, items: part, windows: [] })',
  ]),
  seenIn(
    'windows',
    mutant('server: a window is one short after a document left it', [
      'server/src/commit/live-result.ts',
      'return this.#result.change(seen, () => refill)',
      'return this.#result.change(seen, () => refill.slice(0, -1))',
    ]),
  ),
  seenIn(
    'overruled',
    mutant('server: what waits for a slow reader is not looked up again', [
      'server/src/fanout/feed.ts',
      'this.#pending.doubt(collection, matches)',
      'void matches',
    ]),
  ),
  mutant('server: a digest forgets what is gone meanwhile', [
    'server/src/fanout/digest.ts',
    'else versions.delete(id)',
    '',
  ]),
  seenIn(
    'checked',
    mutant('server: a digest counts what may not be read', [
      'server/src/fanout/digest.ts',
      'after && matches(after) && decided(reads, () => judge.mayRead(actor, collection, after, reads))',
      'after && matches(after)',
    ]),
  ),
  mutant('server: a digest is not of the version it names', [
    'server/src/fanout/digest.ts',
    'for (const { collection, id, version, after } of noted) {',
    'for (const { collection, id, version, after } of noted.slice(0, 0)) {',
  ]),
  seenIn(
    'members',
    mutant('server: who loses a membership is not told', [
      'server/src/fanout/fanout.ts',
      'looked.some(({ isConcerned }) => isConcerned(feed.actor)))',
      'false)',
    ]),
  ),
  seenIn(
    'members',
    mutant('server: a membership counts only for documents looked at before', [
      'server/src/fanout/feed-reads.ts',
      'if (this.#isFollowing || this.#documents.size >= mostNames || this.#lists.has(collection)) return true',
      'if (this.#documents.size >= mostNames) return true',
    ]),
  ),
  seenIn(
    'members',
    mutant('server: a membership that ended meanwhile does not end the copy', [
      'server/src/fanout/resume.ts',
      'isSameView = false\n',
      'void feed\n',
    ]),
  ),
  mutant('server: what rules read is kept though it changed', [
    'server/src/commit/known-reads.ts',
    'if (this.#documents.size + this.#matching.size + this.#loading.size === 0) return',
    'if (this.#documents.size + this.#matching.size + this.#loading.size >= 0) return',
  ]),
  seenIn(
    'members',
    mutant('server: what changes while a rule reads it is not read again', [
      'server/src/commit/known-reads.ts',
      'for (const loading of this.#loading.values()) loading.isTouched ||= isTouchedBy(loading, change)',
      'void isTouchedBy',
    ]),
  ),
] as const
