const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const _ = db.command

/** Takes what was ordered out of the stock: all of it, or nothing when there is not enough. Answers which. */
async function takeFromStock(docId, items) {
  try {
    await db.runTransaction(async transaction => {
      for (const { productId, quantity } of items) {
        const place = db.collection('products').doc(productId)
        const { data: product } = await transaction.get(place)
        if (!product || product.stock < quantity) return transaction.rollback('soldOut')
        await transaction.update(place, { data: { stock: _.inc(-quantity) } })
      }
      const order = db.collection('orders').doc(docId)
      await transaction.update(order, { data: { status: 'processing', processingTime: db.serverDate() } })
    })
    return true
  } catch (reason) {
    if (reason === 'soldOut') return false
    throw reason
  }
}

/** What it does for an order is done once, also when it is run again; what is in the order says how far it came. */
exports.main = async event => {
  for (const { doc, docId } of event.dataList) {
    const order = db.collection('orders').doc(docId)
    const { data: now } = await order.get()
    if (now.status === 'soldOut') continue
    if (now.status === 'new' && !(await takeFromStock(docId, doc.items))) {
      await order.update({ data: { status: 'soldOut' } })
      continue
    }
    await cloud.queue('payments').send({ order: docId }, { delay: 50 })
    await cloud.openapi.subscribeMessage.send({
      touser: doc._openid,
      templateId: 'order-taken',
      data: { thing1: { value: `Order ${docId}` }, amount3: { value: doc.amount } },
    })
  }
  return { success: true }
}
