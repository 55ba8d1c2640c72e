const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const _ = db.command

const wallet = id => db.collection('wallets').doc(id)

/** Moves an amount from one wallet to another, or nothing when there is too little. One that is asked for again, by its id, is made once. */
exports.main = async ({ id, from, to, amount }) => {
  if (typeof id !== 'string' || !(amount > 0) || from === to)
    return { success: false, error: 'not a transfer' }
  try {
    const moved = await db.runTransaction(async transaction => {
      const { data: known } = await transaction.get(db.collection('transfers').doc(id))
      if (known) return known.amount
      const { data: payer } = await transaction.get(wallet(from))
      const { data: payee } = await transaction.get(wallet(to))
      if (!payer || !payee) return transaction.rollback('no such wallet')
      if (payer.balance < amount) return transaction.rollback('too little')
      await transaction.update(wallet(from), { data: { balance: _.inc(-amount) } })
      await transaction.update(wallet(to), { data: { balance: _.inc(amount) } })
      await transaction.set(db.collection('transfers').doc(id), { data: { from, to, amount } })
      return amount
    })
    return { success: true, moved }
  } catch (reason) {
    if (typeof reason === 'string') return { success: false, error: reason }
    throw reason
  }
}
