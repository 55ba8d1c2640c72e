const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

/** Makes the indexes that the queries of the app go by; making them again changes nothing. */
exports.main = async () => {
  const products = db.collection('products')
  await products.createIndex({ keys: { category: 1, price: -1 }, name: 'category_price' })
  await products.createIndex({ keys: { name: 1 }, name: 'by_name' })
  const { indexes } = await products.listIndexes()
  return { success: true, indexes: indexes.map(({ name }) => name) }
}
