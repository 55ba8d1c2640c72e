const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const _ = db.command

/** Everything of a category costs so much more, or less. */
exports.main = async event => {
  const { category, by } = event
  try {
    const { stats } = await db
      .collection('products')
      .where({ category, price: _.gt(0) })
      .update({ data: { price: _.inc(by), updatedAt: db.serverDate() } })
    return { success: true, updated: stats.updated }
  } catch (error) {
    return { success: false, error: error.message }
  }
}
