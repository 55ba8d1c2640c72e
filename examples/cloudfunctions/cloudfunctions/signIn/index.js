const crypto = require('node:crypto')
const { promisify } = require('node:util')
const cloud = require('wx-server-sdk')

cloud.init({ throwOnNotFound: false })
const db = cloud.database()
const scrypt = promisify(crypto.scrypt)
const sevenDaysMs = 7 * 24 * 3_600_000

/** A session for who knows the password. Nothing tells a wrong password from a name that nobody has. */
exports.main = async event => {
  const { username, password } = event
  const { data: account } = await db.collection('accounts').doc(String(username)).get()
  const { salt = '', hash = '' } = account ?? {}
  const given = await scrypt(String(password), salt, 32)
  const known = Buffer.from(hash, 'hex')
  if (known.length !== given.length || !crypto.timingSafeEqual(known, given))
    return { success: false, error: 'the username or the password is wrong' }
  const token = crypto.randomBytes(32).toString('hex')
  const expiresAt = new Date(Date.now() + sevenDaysMs)
  const { OPENID } = cloud.getWXContext()
  await db.collection('sessions').add({ data: { _id: token, username, openid: OPENID, expiresAt } })
  return { success: true, token, expiresAt }
}
