const cloud = require('wx-server-sdk')

cloud.init()

/** Asks another function, which sees the same person. */
exports.main = async event => {
  try {
    const { result } = await cloud.callFunction({
      name: 'getUserInfo',
      data: { nickname: event.nickname },
    })
    const { data, isNew } = result
    return { text: `${isNew ? 'Welcome' : 'Welcome back'}, ${data.nickname}`, points: data.points }
  } catch (error) {
    return { text: 'Welcome', error: error.errMsg }
  }
}
