/*
 * Text of `start.cjs`, which starts the program beside it with what V8 had compiled of it, where that is kept. V8 takes compiled code only
 * with the very flags it was made with, and the limit of the heap is one: it is kept for each limit. With `keep` for a word it
 * runs a function as a process does, keeps what was compiled by then, and ends.
 */
export const startProgram = `'use strict'
const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const vm = require('node:vm')

const file = join(__dirname, 'worker.cjs')
const limit = process.execArgv.join(' ').match(/--max-old-space-size=(\\d+)/)
const kept = join(__dirname, 'compiled-' + (limit ? limit[1] : 'any'))
const isKeeping = process.argv[2] === 'keep'

let cachedData
try {
  if (!isKeeping) cachedData = readFileSync(kept)
} catch {}
const script = new vm.Script('(function (require, module, exports, __filename, importModule) {' + readFileSync(file, 'utf8') + '\\n})', {
  filename: file,
  cachedData,
})
if (isKeeping) process.send = keep
script.runInThisContext()(require, module, exports, file, url => import(url))
if (isKeeping)
  process.emit('message', { type: 'start', name: 'any', entry: join(__dirname, 'any.cjs'), ownPackage: true, env: 'any', appId: 'any' })

function keep(message) {
  if (message.type === 'ready') {
    const call = { id: 'any', source: 'any', timeLimitMs: 1000, memoryMb: 256 }
    process.emit('message', { type: 'invoke', call, event: '{}' })
  } else if (message.type === 'returned') {
    writeFileSync(kept + '.new', script.createCachedData())
    renameSync(kept + '.new', kept)
    process.exit(0)
  } else if (message.type !== 'log') process.exit(1)
}
`

/** A function that does what many do. */
export const anyFunction = `const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
exports.main = async () => {
  cloud.getWXContext()
  void db.collection('any').where({ a: db.command.gt(1) })
  return { any: 1 }
}
`
