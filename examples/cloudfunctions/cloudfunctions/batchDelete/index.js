const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

/** Takes everything out of the shop that nobody can buy any more. */
exports.main = async () => {
  const { stats } = await db
    .collection('products')
    .where({ stock: db.command.lte(0) })
    .remove()
  return { success: true, removed: stats.removed }
}
