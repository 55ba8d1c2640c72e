import { mutant, seenIn } from './mutant.ts'

const session = 'sync/src/session.ts'
const welcome = 'sync/src/welcome.ts'
const effects = 'sync/src/effects.ts'
const pull = 'sync/src/pull.ts'
const state = 'store/src/state.ts'
const localStore = 'store/src/local-store.ts'

export const ofTheClient = [
  mutant('sync: what others type is not kept', [
    'sync/src/texts/followed-texts.ts',
    'await store.confirm({ texts: [step] })',
    '',
  ]),
  mutant('client: versions of a history that was taken back are compared', [
    'sync/src/mend.ts',
    'await store.confirm({ ...asOldest(lost), cut: common })',
    'await store.confirm({ cut: common })',
  ]),
  mutant('client: a bucket that differs is passed over', [
    'sync/src/pull.ts',
    'if (buckets.length === 0) {',
    'if (buckets.length <= 1) {',
  ]),
  mutant('client: what is gone stays when it was compared', [
    'sync/src/pull.ts',
    '      ? this.#different(subscription, assembly, due)',
    '      ? []',
  ]),
  seenIn(
    'rules',
    mutant('client: what is compared is shown one query after the other', [
      'sync/src/crossing.ts',
      'this.#waiting.size === 0 || this.#characters >',
      'this.#waiting.size >= 0 || this.#characters >',
    ]),
  ),
  mutant('client: windows are shown behind what changed meanwhile', [
    'sync/src/subscriptions.ts',
    'isInDoubt || window !== undefined',
    'isInDoubt',
  ]),
  mutant('sync: accepted mutations leave before their effect is here', [
    effects,
    'if (rejected.length > 0) await store.confirm({ rejected })',
    "await store.confirm({ rejected, accepted: Math.max(0, ...outcomes.filter(o => o.status === 'accepted').map(o => o.id)) })",
  ]),
  mutant('sync: a rejected mutation stays and blocks the queue', [
    pull,
    "if (outcome.status === 'rejected') return [rejectionOf(outcome)]",
    "if (outcome.status === 'rejected') return []",
  ]),
  mutant('sync: a patch makes something of whatever is here', [
    pull,
    'if (known?.version !== base) return undefined',
    'if (!known) return undefined',
  ]),
  mutant('sync: documents that are gone stay', [pull, '        gone,\n        accepted', '        accepted']),
  mutant('sync: half of the changes applied', [
    pull,
    '        puts,\n        gone,\n        accepted',
    '        puts: puts.length > 1 ? puts.slice(1) : puts,\n        gone,\n        accepted',
  ]),
  mutant('sync: a snapshot takes nothing away', [
    pull,
    '      : await this.#replaced(subscription, assembly, stored)',
    '      : []',
  ]),
  mutant('sync: a snapshot is complete at its first part', [
    pull,
    'if (!last) {\n      const { after, isReplacing } = assembly',
    'if (false) {\n      const { after, isReplacing } = assembly',
  ]),
  mutant(
    'sync and server: a snapshot brings back what is gone',
    [
      'sync/src/snapshot-assembly.ts',
      'return due.filter(put => put.version >= (this.#newestTold.get(put.document._id) ?? 0))',
      'return due',
    ],
    ['server/src/fanout/first-results.ts', 'return versions.some(', 'return false && versions.some('],
  ),
  mutant('sync: a copy that cannot be continued counts as complete', [
    welcome,
    'welcome.resumed ? {} : resetStep(store, subscriptions)',
    '{}',
  ]),
  mutant('sync: versions of another history compared with these', [
    welcome,
    'const lost = common === undefined ? undefined : await cut(parts, common)',
    'const lost = undefined as HistoryLost | undefined',
  ]),
  mutant('sync: after a message that could not be stored it goes on', [
    session,
    "this.#parts.events.emit('error', toCloudError(error))\n    this.#end()",
    "this.#parts.events.emit('error', toCloudError(error))",
  ]),
  seenIn(
    'come and go',
    mutant('sync: what a query had that is refused by now stays', [
      'sync/src/pull.ts',
      'const gone = this.#subscriptions.disown(subscription)',
      'const gone = this.#subscriptions.disown(subscription).slice(0, 0)',
    ]),
  ),
  seenIn(
    'full',
    mutant('store: a removal on a full medium is refused as a write', [
      'store/src/local-store.ts',
      'const isRelief = mutation.writes.every(isRemoval)',
      'const isRelief = false && mutation.writes.every(isRemoval)',
    ]),
  ),
  seenIn(
    'full',
    mutant('store: what was kept in reserve is not given back', [
      'store/src/reserve.ts',
      '      await this.#storage.drop(held.slice(kept))\n',
      '',
    ]),
  ),
  mutant('store: removals that stay on a full medium have one number', [
    'store/src/keep-removals.ts',
    'nextMutation + outbox.undurableCount',
    'nextMutation',
  ]),
  seenIn(
    'let go',
    mutant('sync: a dropped subscription comes back', [
      'sync/src/subscriptions.ts',
      '      this.#byId.delete(subscription.id)\n      this.#hasLetGo = true',
      '      this.#hasLetGo = true',
    ]),
  ),
  mutant('sync: subscriptions nobody keeps stay in the store', [
    welcome,
    'new Map([...(reset.subscriptions ?? []), ...left.subscriptions])',
    'new Map(reset.subscriptions ?? [])',
  ]),
  mutant('sync: what a copy made counts as decided', [
    'sync/src/greeting.ts',
    'each.id === numbers.get(nonce)',
    'each.id === id',
  ]),
  seenIn(
    'copies',
    mutant('sync: a copy does not find out that it is one', [
      'sync/src/greeting.ts',
      'mutation.id > lastMutation || hasNonce(welcome, mutation) || isForgotten(welcome, mutation)',
      'mutation.id > 0',
    ]),
  ),
  seenIn(
    'copies',
    mutant('sync: a copy whose first write is on its way does not find out', [
      'sync/src/greeting.ts',
      'neverSentFrom(store) <= lastMutation',
      'store.checkpoint.nextMutation <= lastMutation',
    ]),
  ),
  seenIn(
    'set back',
    mutant(
      'sync: the epoch is known before the versions are forgotten',
      [welcome, 'const lost = common === undefined ? undefined : await cut(parts, common)', ''],
      [
        welcome,
        'await store.confirm(step)\n  for',
        'await store.confirm(step)\n  const lost = common === undefined ? undefined : await cut(parts, common)\n  for',
      ],
    ),
  ),
  mutant('sync: a dead connection is never given up', [
    'sync/src/heartbeat.ts',
    'if (unanswered === 2) {',
    'if (unanswered === -1) {',
  ]),
  mutant('store: acknowledged before it is durable', [
    localStore,
    'return Object.assign(made, { durable })',
    'return Object.assign(made, { durable: (void durable, Promise.resolve()) })',
  ]),
  mutant('store: the time of edits goes back', [localStore, 'time: Math.max(time, atLeast)', 'time']),
  mutant('store: edits do not say what they stand on', [localStore, ': (base ?? seen),', ': (base ?? 0),']),
  mutant('store: refused by storage, and still shown', [
    localStore,
    'const concerned = touchedBy(taken)',
    'const concerned = touchedBy([])',
  ]),
  mutant('store: pending edits are not laid over what arrives', [
    localStore,
    '...rebase(collections, outbox, concerned, openid, this.#shown)',
    "...[...concerned].flatMap(([name, id]) => { const c = collections.of(name); const before = c.get(id) ?? null; const after = c.confirmed.get(id)?.document ?? null; if (before === after) return []; c.show(id, after); return [{ collection: name, id, before, after, dataType: 'update' as const }] })",
  ]),
  mutant('store: a refused edit is not rolled back', [
    state,
    'concerned.addAll(touchedBy(left))',
    'void left',
  ]),
  mutant('store: after a restart pending edits are not shown', [
    'store/src/open-store.ts',
    'rebase(state.collections, state.outbox, pending, state.checkpoint.openid)',
    'void rebase',
  ]),
  mutant('store: numbers of mutations used again after a restart', [
    state,
    'this.outbox.append(mutation.id === id ? mutation : Object.freeze({ ...mutation, id }))\n    this.mutationIsDurable(mutation, entry.retries, entry.from)',
    'this.outbox.append(mutation.id === id ? mutation : Object.freeze({ ...mutation, id }))\n    this.outbox.markDurable()',
  ]),
  mutant(
    'store: an older version overwrites a newer',
    [state, 'if (version < confirmed.versionOf(document._id)) continue', ''],
    ['server/src/fanout/first-results.ts', 'return versions.some(', 'return false && versions.some('],
  ),
  mutant('store: renumbering loses a mutation', [
    'store/src/outbox.ts',
    'this.replaceAll((mutation, at) => ({ ...mutation, id: first + at }))',
    'if (this.#all.length > 1) { this.#all.shift(); this.#durableCount-- }\n    this.replaceAll((mutation, at) => ({ ...mutation, id: first + at }))',
  ]),
  mutant('store: one more mutation leaves than was accepted', [
    'store/src/outbox.ts',
    'this.#all[count]!.id <= id) count++',
    'this.#all[count]!.id <= id + 1) count++',
  ]),
  mutant('store: compaction forgets a document', [
    'store/src/segments.ts',
    'const changed = [...dirty.ids(collection)]',
    'const changed = [...dirty.ids(collection)].slice(1)',
  ]),
  mutant('store: compaction forgets what was refused', [
    'store/src/segments.ts',
    'rejected: rejected.all,',
    'rejected: [],',
  ]),
  mutant('sync: a check looks only at how many there are', [
    'sync/src/checks.ts',
    'if (digest.count === count && digest.sum === sum) return',
    'if (digest.count === count) return',
  ]),
  mutant('sync: what differs is told, and not brought anew', [
    'sync/src/mend.ts',
    'subscriptions.restart(each)\n',
    'void subscriptions\n',
  ]),
  seenIn(
    'wrong',
    mutant('sync: what differs stays when it seems newer', [
      pull,
      'if (known && known.version > version && known.version === named',
      'if (known && known.version < version && known.version === named',
    ]),
  ),
  mutant('sync: nothing is ever compared', ['sync/src/checks.ts', 'if (due) send(', 'if (!due) send(']),
  seenIn(
    'wrong',
    mutant('sync: what is compared while some of it arrives', [
      'sync/src/checks.ts',
      '!other.isComplete && !other.denial) return false',
      'other.isComplete === undefined) return false',
    ]),
  ),
  mutant('sync: what was not compared stays when it is let go', [
    'sync/src/subscriptions.ts',
    'if (subscription.isInDoubt || (subscription.isHeir && !subscription.isComplete)) {',
    'if (false as boolean) {',
  ]),
  mutant('sync: what has pending writes is dropped', [
    'sync/src/sweep.ts',
    'if (store.outbox.isPending(collection, id) || subscriptions',
    'if (subscriptions',
  ]),
  mutant('sync: what somebody follows is dropped', [
    'sync/src/sweep.ts',
    'store.outbox.isPending(collection, id) || subscriptions.isAbout(collection, document)',
    'store.outbox.isPending(collection, id)',
  ]),
  mutant('sync: nothing is ever dropped', [
    'sync/src/sweep.ts',
    'const gone = cached.slice(0, Math.min(due, atOnce))',
    'const gone = cached.slice(0, 0)',
  ]),
  mutant('sync: what was here because of no query stays', [
    'sync/src/sweep.ts',
    "if (isStray) yield 'stray'",
    '',
  ]),
  mutant('sync: parts of a change message take effect one by one', [
    'sync/src/change-parts.ts',
    'return isPart ? undefined : { ...message, items }',
    'return { ...message, items }',
  ]),
  mutant('sync: who waits for the server is answered at once', [
    'sync/src/executor.ts',
    'if (!coming) return',
    'if (coming || !coming) return',
  ]),
  mutant('sync: who waits is answered before the effect is here', [
    effects,
    'if (rejected.length > 0) await store.confirm({ rejected })',
    "if (rejected.length > 0) await store.confirm({ rejected })\n    const accepted = outcomes.filter(each => each.status === 'accepted')\n    for (const each of accepted) { const mutation = store.outbox.mutations.find(({ id }) => id === each.id); if (mutation) this.#parts.verdicts.accepted(mutation, each) }",
  ]),
  mutant('sync: who waits is not told of a refusal', [
    'sync/src/outcome-events.ts',
    '    verdicts.rejected(mutation, rejection)\n',
    '',
  ]),
  mutant('sync: what gave way is not told to who waits', [
    'sync/src/verdicts.ts',
    '{ id, superseded = [] }: Extract',
    '{ id, superseded: ignored, superseded2: superseded = [] }: any & Extract',
  ]),
  mutant('store: what is tried again stays among the refused', [
    state,
    'if (retries !== undefined) this.rejected.remove([retries])',
    '',
  ]),
  mutant('store: what is tried again is still refused after a restart', [
    state,
    'this.mutationIsDurable(mutation, entry.retries, entry.from)',
    'this.mutationIsDurable(mutation, undefined)',
  ]),
  mutant('sync: an edit of what was refused sends the old one', [
    'sync/src/executor.ts',
    'store.retryRejected(nonce, writes, {',
    'store.retryRejected(nonce, store.rejected.find(({ mutation }) => mutation.nonce === nonce)?.mutation.writes ?? writes, {',
  ]),
  mutant('sync: what is tried again leaves the refused before it is written', [
    'sync/src/executor.ts',
    'return this.#settled(store.retryRejected(nonce, writes, { time: serverClock.now() }), wait)',
    'await store.discardRejected(nonce)\n    return this.#settled(store.commit(writes, { time: serverClock.now() }), wait)',
  ]),
  mutant('query: an index is a place', [
    'query/src/merge/places.ts',
    'if (!guards) return path',
    'if (guards || !guards) return path',
  ]),
  mutant('store: edits do not say which element they mean', [
    'query/src/merge/guards.ts',
    'if (!guards) return change\n',
    'if (guards || !guards) return change\n',
  ]),
  seenIn(
    'marks',
    mutant('query: elements that moved are not known to have moved', [
      'query/src/merge/moves.ts',
      '  stamps[orderOf(path)] = stampOf(context)\n',
      '',
    ]),
  ),
  mutant('query: a newer edit gives way to an older', [
    'query/src/merge/stamps.ts',
    'return author.base >= stamp[0] || author.time >= stamp[1]',
    'return author.base >= stamp[0] || author.time <= stamp[1]',
  ]),
  mutant('query: what gave way is written all the same', [
    'query/src/update/apply.ts',
    'if (!won.has(path)) return\n    // a scalar',
    '// a scalar',
  ]),
  mutant('query: an edit forgets the stamps of others', [
    'query/src/merge/stamps.ts',
    '    next[path] = stamps[path]!\n',
    '',
  ]),
  mutant('protocol: a frame that is missing is not noticed', [
    'protocol/src/frame-numbers.ts',
    'if (number > this.#last + 1)',
    'if (number > this.#last + 1_000_000)',
  ]),
  seenIn(
    'again',
    mutant(
      'sync: a first result that comes twice counts twice',
      [
        'sync/src/effects.ts',
        'if (!subscription?.assembly) return // it came twice: all of it is here',
        'if (!subscription) return\n    subscription.assembly ??= new SnapshotAssembly()',
      ],
      [
        'sync/src/effects.ts',
        'import type { SessionParts',
        "import { SnapshotAssembly } from './snapshot-assembly.ts'\nimport type { SessionParts",
      ],
      [
        'protocol/src/frame-numbers.ts',
        'if (number <= this.#last) return undefined',
        'if (number < this.#last) return undefined',
      ],
    ),
  ),
] as const
