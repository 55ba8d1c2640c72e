const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const _ = db.command

/** A note of whoever calls, counted in their diary. It runs on the device at once, and on the server, which has the last word. */
exports.main = async ({ text }) => {
  if (typeof text !== 'string' || text.trim() === '') throw new Error('a note says something')
  const { OPENID } = cloud.getWXContext()
  return db.runTransaction(async transaction => {
    const diary = transaction.collection('diaries').doc(OPENID)
    const { data } = await transaction.collection('diaries').where({ _id: OPENID }).get()
    if (data.length === 0) await diary.set({ data: { _openid: OPENID, notes: 1 } })
    else await diary.update({ data: { notes: _.inc(1) } })
    const note = { _openid: OPENID, text: text.trim(), at: db.serverDate() }
    return (await transaction.collection('notes').add({ data: note }))._id
  })
}
