const crypto = require('node:crypto')
const { promisify } = require('node:util')
const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const scrypt = promisify(crypto.scrypt)

/** An account with a password, of which only a salted hash is kept. */
exports.main = async event => {
  const { username, password } = event
  if (typeof username !== 'string' || !/^\w{4,32}$/.test(username))
    return { success: false, error: 'a username has 4 to 32 letters' }
  if (typeof password !== 'string' || password.length < 8)
    return { success: false, error: 'a password has 8 characters at least' }
  const salt = crypto.randomBytes(16).toString('hex')
  const hash = (await scrypt(password, salt, 32)).toString('hex')
  try {
    // the name is the id: there is one account of it, whoever comes second
    await db.collection('accounts').add({ data: { _id: username, salt, hash, createdAt: db.serverDate() } })
    return { success: true }
  } catch (error) {
    if (error.code === 'DUPLICATE_ID') return { success: false, error: 'the username is taken' }
    throw error
  }
}
