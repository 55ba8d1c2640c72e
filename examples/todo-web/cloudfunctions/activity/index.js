const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

/**
 * Called by the server after every change of the list (config.json): writes a line about it.
 *
 * The same event may come twice; its id is the line's, so the line is there once.
 */
exports.main = async event => {
  const { doc, dataType, updatedFields = {} } = event.data
  const kind = kindOf(dataType, doc, updatedFields)
  if (!kind) return
  const by = dataType === 'insert' ? doc.by : (doc.editedBy ?? doc.by)
  await db
    .collection('activity')
    .doc(event.id)
    .set({
      data: { kind, title: doc.title, by, at: db.serverDate() },
    })
  await keepLatest(50)
}

function kindOf(dataType, doc, updatedFields) {
  if (dataType === 'insert') return 'added'
  if (dataType === 'delete') return 'removed'
  if ('done' in updatedFields) return doc.done ? 'done' : 'reopened'
  if ('locked' in updatedFields) return doc.locked ? 'locked' : 'unlocked'
  if ('title' in updatedFields) return 'renamed'
  return undefined
}

async function keepLatest(count) {
  const { data: old } = await db.collection('activity').orderBy('at', 'desc').skip(count).get()
  for (const line of old) await db.collection('activity').doc(line._id).remove()
}
