import { updateMany } from 'mingo/updater'
import { applyWrite } from '../dist/index.js'

const changes = [
  ['age', 'inc', 1],
  ['owner.place.zip', 'set', '510001'],
  ['tags', 'push', ['more']],
]
const modifier = { $inc: { age: 1 }, $set: { 'owner.place.zip': '510001' }, $push: { tags: 'more' } }

/**
 * One change of every document. Ours makes new frozen documents that share what is not touched, and their merge metadata.
 * Mingo changes documents in place: bare, on copies made before the time is taken; and, for the same result as ours
 * (the document from before is still there), on deep copies made inside it.
 */
export function updatingCase(documents) {
  const stored = documents.map(doc => ({ doc, stamps: {} }))
  const context = { base: Infinity, time: 1, version: 2, now: 1 }
  const contestants = {
    ours: {
      run: () =>
        stored.map(before => {
          const write = { op: 'update', collection: 'things', id: before.doc._id, changes }
          return applyWrite(before, write, context).after.doc
        }),
    },
    'mingo on copies': { run: () => updatedInPlace(documents.map(copyOf)) },
    'mingo in place': { prepare: () => documents.map(copyOf), run: updatedInPlace },
  }
  return { name: 'an update of three paths', size: documents.length, contestants }
}

function updatedInPlace(documents) {
  updateMany(documents, {}, modifier)
  return documents
}

/** Plain data only, so it is faster than structuredClone and than mingo's own. */
function copyOf(value) {
  if (Array.isArray(value)) return value.map(copyOf)
  if (typeof value !== 'object' || value === null) return value
  const copy = {}
  for (const key in value) copy[key] = copyOf(value[key])
  return copy
}
