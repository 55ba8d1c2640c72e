import { Query } from 'mingo'
import sift from 'sift'
import { compileFilter } from '../dist/index.js'

/** One condition in both languages. Each side compiles it once and looks at every document. */
const conditions = [
  {
    name: 'two simple conditions',
    ours: all(['status', ['eq', 'status2']], ['age', ['gte', 30]]),
    theirs: { status: 'status2', age: { $gte: 30 } },
  },
  {
    name: 'a dotted path through arrays',
    ours: ['field', 'items.price', ['gt', 90]],
    theirs: { 'items.price': { $gt: 90 } },
  },
  {
    name: 'ten operators',
    ours: all(
      ['status', ['in', ['status0', 'status1', 'status2', 'status3']]],
      ['age', ['gte', 5]],
      ['score', ['lt', 95]],
      ['level', ['neq', 4]],
      ['owner.place.city', ['nin', ['Beijing']]],
      ['nickname', ['exists', true]],
      ['tags', ['all', ['a', 'b']]],
      ['items', ['size', 3]],
      ['items', ['elemMatch', { where: all(['quantity', ['gte', 1]], ['price', ['lt', 90]]) }]],
      ['score', ['mod', [2, 0]]],
    ),
    theirs: {
      $and: [
        { status: { $in: ['status0', 'status1', 'status2', 'status3'] } },
        { age: { $gte: 5 } },
        { score: { $lt: 95 } },
        { level: { $ne: 4 } },
        { 'owner.place.city': { $nin: ['Beijing'] } },
        { nickname: { $exists: true } },
        { tags: { $all: ['a', 'b'] } },
        { items: { $size: 3 } },
        { items: { $elemMatch: { quantity: { $gte: 1 }, price: { $lt: 90 } } } },
        { score: { $mod: [2, 0] } },
      ],
    },
  },
]

function all(...fields) {
  return ['and', fields.map(([path, test]) => ['field', path, test])]
}

export function matchingCases(documents) {
  return conditions.map(({ name, ours, theirs }) => {
    const query = new Query(theirs)
    const matchers = {
      ours: compileFilter(ours),
      mingo: document => query.test(document),
      sift: sift.default(theirs),
    }
    const counting = Object.entries(matchers).map(([peer, matches]) => {
      return [peer, { run: () => counts[peer](documents, matches) }]
    })
    return { name, size: documents.length, contestants: Object.fromEntries(counting) }
  })
}

/** Each has a loop of its own, so that none is compiled to suit another. */
const counts = {
  ours: (await import('./count.js?ours')).count,
  mingo: (await import('./count.js?mingo')).count,
  sift: (await import('./count.js?sift')).count,
}
