const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

/** The profile of whoever calls; made at the first call. */
exports.main = async event => {
  const { OPENID } = cloud.getWXContext()
  const profiles = db.collection('profiles')
  const known = await profiles.where({ _openid: OPENID }).get()
  if (known.data.length > 0) return { success: true, data: known.data[0], isNew: false }
  const profile = {
    _openid: OPENID,
    nickname: event.nickname || 'somebody',
    points: 0,
    createdAt: db.serverDate(),
  }
  const { _id } = await profiles.add({ data: profile })
  return { success: true, data: { ...profile, _id }, isNew: true }
}
