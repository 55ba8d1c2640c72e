const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

/** Adds products one after the other, and says which of them were taken. */
exports.main = async event => {
  const { products } = event
  if (!Array.isArray(products)) return { success: false, error: 'products must be a list' }
  const added = await Promise.all(
    products.map(async product => {
      try {
        const { _id } = await db.collection('products').add({
          data: { ...product, createdAt: db.serverDate() },
        })
        return { ok: true, id: _id }
      } catch (error) {
        return { ok: false, error: error.errMsg }
      }
    }),
  )
  return { success: added.every(({ ok }) => ok), added }
}
