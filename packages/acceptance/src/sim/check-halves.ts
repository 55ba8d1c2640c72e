import type { Version } from '@nearcloud/protocol'
import { compileFilter } from '@nearcloud/query'
import type { Confirmed } from '@nearcloud/store'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { documentKey, type SimDisk } from './sim-disk.ts'
import type { World } from './world.ts'

/**
 * No copy has one document as a commit left it, or later, and another as it was before: of all that queries show that were complete
 * once, also while it is compared after a long absence. First results that arrive, and windows, are told by themselves.
 */
export function checkHalves(world: World, device: Device, { store, name, mended }: Process): void {
  const { disk, rights } = world
  const { falsified } = device
  const { epoch, viewKey, openid = '' } = store.checkpoint
  const wasComplete = onceComplete(device, openid, store.subscriptions)
  const judge = world.views.get(viewKey ?? '')
  if (!judge || epoch !== disk.memory.epoch || falsified.size + mended.size > 0) return
  const shown = [...store.subscriptions].flatMap(([key, { query, window, after, complete }]) =>
    !window && (complete || after === undefined) && wasComplete.has(key)
      ? [{ collection: query.collection, matches: compileFilter(query.where) }]
      : [],
  )
  const here = new Map<string, Confirmed & { readonly collection: string }>()
  for (const each of store.confirmedDocuments())
    if (shown.some(({ collection, matches }) => collection === each.collection && matches(each.document)))
      here.set(documentKey(each.collection, each.document._id), each)
  for (const [version, keys] of batchesOf(disk)) {
    const ahead = keys.find(key => (here.get(key)?.version ?? 0) >= version)
    if (ahead === undefined) continue
    for (const key of keys) {
      const known = here.get(key)
      if (!known || known.version === 0 || known.version >= version) continue
      const after = disk.edition(key, version)?.document ?? known.document
      const { collection } = known
      // what may not be read any more is not told, but taken away by the next conversation
      const mayBeRead = [known.document, after].every(document =>
        rights.alwaysSince(known.version, { judge, openid, collection, document }),
      )
      if (mayBeRead)
        throw new Violation(
          'I4',
          `${name} has ${key}@${known.version}, and of the commit ${version} ${ahead}@${here.get(ahead)!.version}`,
        )
    }
  }
}

const complete = new WeakMap<Device, Map<string, Set<string>>>()

/** Of what this user follows here: the keys of what was complete once. A first result that rules cut off never was, and is shown as far as it came. */
function onceComplete(
  device: Device,
  openid: string,
  subscriptions: Process['store']['subscriptions'],
): ReadonlySet<string> {
  const ofDevice = complete.get(device) ?? new Map<string, Set<string>>()
  complete.set(device, ofDevice)
  const before = ofDevice.get(openid)
  const now = new Set<string>()
  for (const [key, each] of subscriptions)
    if (each.letGo === undefined && (each.complete || before?.has(key))) now.add(key)
  ofDevice.set(openid, now)
  return now
}

const batches = new WeakMap<SimDisk['changes'], { count: number; byVersion: Map<Version, string[]> }>()

/** The documents of each commit of several. */
function* batchesOf({ changes }: SimDisk): Iterable<readonly [Version, readonly string[]]> {
  let known = batches.get(changes)
  if (!known) {
    known = { count: 0, byVersion: new Map() }
    batches.set(changes, known)
  }
  for (; known.count < changes.length; known.count++) {
    const { version, collection, id } = changes[known.count]!
    known.byVersion.set(version, [...(known.byVersion.get(version) ?? []), documentKey(collection, id)])
  }
  for (const each of known.byVersion) if (each[1].length > 1) yield each
}
