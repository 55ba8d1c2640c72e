const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const _ = db.command
const $ = _.aggregate

const dayMs = 24 * 60 * 60 * 1000
/** The timer's midnight is that of UTC+8. */
const zoneMs = 8 * 60 * 60 * 1000

/** What was sold on the day before the timer's time. */
exports.main = async event => {
  const end = new Date(event.Time)
  const start = new Date(end.getTime() - dayMs)
  const { list } = await db
    .collection('orders')
    .aggregate()
    .match({ createTime: _.gte(start).and(_.lt(end)), status: _.neq('soldOut') })
    .group({ _id: null, orderCount: $.sum(1), totalSales: $.sum('$amount') })
    .end()
  const { orderCount = 0, totalSales = 0 } = list[0] ?? {}
  const date = new Date(start.getTime() + zoneMs).toISOString().slice(0, 10)
  await db
    .collection('reports')
    .doc(date)
    .set({ data: { orderCount, totalSales, createdAt: db.serverDate() } })
  return { date, orderCount, totalSales }
}
