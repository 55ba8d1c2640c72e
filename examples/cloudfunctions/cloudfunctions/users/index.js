const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

const answer = (statusCode, body) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** `GET /users`, `POST /users`, `GET /users/<id>`: an interface for programs that are no apps. */
exports.main = async event => {
  const { method, path } = event
  const members = db.collection('members')
  const id = /^\/users\/([\w-]+)$/.exec(path)?.[1]
  if (method === 'GET' && path === '/users') {
    const limit = Math.min(Number(event.queryStringParameters.limit) || 10, 100)
    const { data } = await members.orderBy('name', 'asc').limit(limit).get()
    return answer(200, data)
  }
  if (method === 'POST' && path === '/users') {
    let wanted
    try {
      wanted = JSON.parse(event.body || '{}')
    } catch {
      return answer(400, { error: 'the body is not JSON' })
    }
    if (!wanted.name || !wanted.email) return answer(400, { error: 'a name and an email are needed' })
    const { name, email } = wanted
    const { _id } = await members.add({ data: { name, email, createdAt: db.serverDate() } })
    return answer(201, { id: _id })
  }
  if (method === 'GET' && id) {
    const { data } = await members.where({ _id: id }).get()
    return data.length === 0 ? answer(404, { error: 'nobody has this id' }) : answer(200, data[0])
  }
  return answer(404, { error: 'there is nothing here' })
}
