const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

/** What was asked before, as long as this process lives; each has its own. */
const cached = new Map()
const keptMs = 60_000

exports.main = async event => {
  const { category } = event
  const known = cached.get(category)
  if (known && known.time > Date.now() - keptMs) {
    console.log('from the cache:', category)
    return { source: 'cache', data: known.data }
  }
  const { data } = await db
    .collection('products')
    .where(category ? { category } : {})
    .orderBy('name', 'asc')
    .limit(20)
    .get()
  cached.set(category, { time: Date.now(), data })
  return { source: 'database', data }
}
