const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

/** A message of the queue `payments`, a moment after the order was taken. */
exports.main = async event => {
  const { order } = event.data
  const { stats } = await db
    .collection('orders')
    .where({ _id: order, status: 'processing' })
    .update({ data: { status: 'paid', paidAt: db.serverDate() } })
  return { paid: stats.updated === 1 }
}
