/** Three questions about one country's cities, answered by the client's own store. */
export async function askQuestions(db, country) {
  const _ = db.command
  const cities = db.collection('cities')
  const { data } = await cities.where({ country }).orderBy('population', 'desc').limit(1).get()
  const [largest] = data
  if (!largest) return []
  const prefix = largest.name.slice(0, 2)
  return [
    await answer('prefix', `Names that begin with “${prefix}”`, () =>
      cities
        .where({ country, name: db.RegExp({ regexp: `^${prefix}` }) })
        .orderBy('name', 'asc')
        .limit(5)
        .get(),
    ),
    await answer('range', 'Between 50,000 and 200,000 people, the largest first', () =>
      cities
        .where({ country, population: _.gte(50_000).and(_.lte(200_000)) })
        .orderBy('population', 'desc')
        .limit(5)
        .get(),
    ),
    await answer('nearest', `Nearest to the middle of ${largest.name}, within 100 km`, () =>
      cities
        .where({ country, loc: _.geoNear({ geometry: largest.loc, maxDistance: 100_000 }) })
        .limit(5)
        .get(),
    ),
  ]
}

/** The answer, and how long it takes: the first time (an index may be made then), and the median of more. */
async function answer(name, question, ask) {
  const [first, ms] = await timed(ask)
  const more = []
  for (let i = 0; i < repeats; i++) more.push((await timed(ask))[1])
  more.sort((a, b) => a - b)
  return {
    name,
    question,
    cities: first.data,
    fromCache: first.fromCache === true,
    firstMs: ms,
    medianMs: more[Math.floor(repeats / 2)],
  }
}

async function timed(ask) {
  const start = performance.now()
  const result = await ask()
  return [result, performance.now() - start]
}

const repeats = 31
