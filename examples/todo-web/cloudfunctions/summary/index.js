const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

/** How far the list is, in a sentence. `event.language`: `zh` for Chinese, English otherwise. */
exports.main = async event => {
  const items = db.collection('items')
  const [{ total }, { total: done }] = await Promise.all([items.count(), items.where({ done: true }).count()])
  const open = total - done
  const { data } = await items.where({ done: false }).orderBy('createdAt', 'asc').limit(1).get()
  const next = data[0]?.title
  return event.language === 'zh' ? inChinese(done, open, next) : inEnglish(done, open, next)
}

function inEnglish(done, open, next) {
  if (done + open === 0) return 'The list is empty: nothing to do.'
  if (open === 0) return `All ${done} done. Time to leave!`
  const things = open === 1 ? '1 thing is' : `${open} things are`
  return `${things} still open and ${done} done. Next: ${next}.`
}

function inChinese(done, open, next) {
  if (done + open === 0) return '清单是空的，没有要做的事。'
  if (open === 0) return `${done} 项全部完成，可以出发了！`
  return `还有 ${open} 项未完成，已完成 ${done} 项。下一项：${next}。`
}
