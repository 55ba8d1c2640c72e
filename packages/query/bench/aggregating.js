import { Aggregator } from 'mingo'
import { aggregate } from '../dist/aggregate/index.js'
import { compileFilter } from '../dist/index.js'

const aggregation = {
  collection: 'things',
  stages: [
    ['match', ['field', 'age', ['gte', 20]]],
    [
      'group',
      {
        by: ['path', 'owner.place.zip'],
        fields: [
          ['total', 'sum', ['path', 'score']],
          ['mean', 'avg', ['path', 'age']],
        ],
      },
    ],
    [
      'sort',
      [
        ['total', 'desc'],
        ['_id', 'asc'],
      ],
    ],
  ],
}
const pipeline = [
  { $match: { age: { $gte: 20 } } },
  { $group: { _id: '$owner.place.zip', total: { $sum: '$score' }, mean: { $avg: '$age' } } },
  { $sort: { total: -1, _id: 1 } },
]

export function aggregatingCase(documents) {
  const source = {
    async *find({ where }) {
      yield documents.filter(compileFilter(where))
    },
  }
  const unlimited = { stages: Infinity, documents: Infinity, bytes: Infinity, timeMs: Infinity }
  const options = { source, now: () => Date.now(), random: () => Math.random(), budget: unlimited }
  const theirs = new Aggregator(pipeline)
  const contestants = {
    ours: { run: () => aggregate(aggregation, options) },
    mingo: { run: () => theirs.run(documents) },
  }
  return { name: 'match, group, sort', size: documents.length, contestants }
}
