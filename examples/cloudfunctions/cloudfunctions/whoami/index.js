const cloud = require('wx-server-sdk')

cloud.init({ throwOnNotFound: false })
const db = cloud.database()

/** Whose session it is, while it lasts. */
exports.main = async event => {
  const { data: session } = await db.collection('sessions').doc(String(event.token)).get()
  if (!session || session.expiresAt < new Date()) return { success: false, error: 'sign in' }
  return { success: true, username: session.username }
}
