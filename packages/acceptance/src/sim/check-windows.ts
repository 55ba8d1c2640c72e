import type { DocId, Document, Version } from '@nearcloud/protocol'
import { evaluate, type Query } from '@nearcloud/query'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { mayRead } from './reads.ts'
import { documentKey } from './sim-disk.ts'
import type { World } from './world.ts'

/**
 * A window is of the same moment as everything else: it has the documents, in the versions, that its query had at the version the
 * copy is at.
 */
export function checkWindows(world: World, device: Device, { store, name, mended }: Process): void {
  const { disk } = world
  const { epoch, viewKey, version } = store.checkpoint
  const judge = world.views.get(viewKey ?? '')
  if (!judge || epoch !== disk.memory.epoch || device.falsified.size + mended.size > 0) return
  for (const [key, { query, window, complete, letGo }] of store.subscriptions) {
    if (!window || !complete || letGo !== undefined) continue
    const place = `${key} ${version} ${epoch}`
    if (looked.get(window) === place) continue
    looked.set(window, place)
    const openid = store.checkpoint.openid ?? ''
    const { collection } = query
    const reads = world.rights.at(version)
    const then = documentsAt(world, query, version).filter(document =>
      mayRead({ judge, openid, collection, document }, reads),
    )
    const expected = evaluate(query, then).map(({ _id }) =>
      versioned(disk.at(documentKey(collection, _id), version)!.version, _id),
    )
    const here = window.map(id => versioned(store.confirmed(collection, id)?.version, id))
    if (`${here}` !== `${expected}`)
      throw new Violation(
        'I4',
        `${name} is at ${version}, where the window of ${JSON.stringify(query)} was ${expected}, and shows ${here}`,
      )
  }
}

const looked = new WeakMap<readonly DocId[], string>()

function versioned(version: Version | undefined, id: DocId): string {
  return `${id}@${version}`
}

function documentsAt({ disk }: World, { collection }: Query, version: Version): readonly Document[] {
  const documents: Document[] = []
  for (const key of disk.editions.keys()) {
    const document = key.startsWith(`${collection}/`) ? disk.at(key, version)?.document : undefined
    if (document) documents.push(document)
  }
  return documents
}
