import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCloud } from '@nearcloud/node'
import { createServer } from '@nearcloud/server'
import { help, readArguments } from './arguments.js'
import { askQuestions } from './ask.js'
import { importCities, readCities } from './import-cities.js'
import { bytes, count, milliseconds, printAnswer, step } from './print.js'
import { openWireMeter } from './wire-meter.js'

const project = fileURLToPath(new URL('..', import.meta.url))

/** Real input, from import to offline answers; resolves with the figures. */
async function run({ country, limit, folder, isFresh }) {
  const dataFolder = folder ?? join(project, '.nearcloud', limit === Infinity ? 'all' : `largest-${limit}`)
  if (isFresh) await clear(dataFolder)
  const server = await createServer({ dataFolder, project })
  const wire = await openWireMeter(server.port)
  const cloud = createCloud()
  try {
    const imported = await fill(server.database(), limit, dataFolder)
    const synced = await sync(cloud, wire, country)
    const answered = await answerOffline(cloud, country)
    return {
      ratios: { wireBytesPerJsonByte: round(synced.wireBytes / synced.jsonBytes) },
      absolute: { ...imported, ...synced, ...answered },
    }
  } finally {
    await cloud.close()
    await wire.close()
    await server.stop()
  }
}

/** An import that was interrupted goes on where it stopped: each batch is there whole or not at all. */
async function fill(db, limit, dataFolder) {
  const cities = readCities(limit)
  const { total } = await db.collection('cities').count()
  if (total >= cities.length) {
    step(`${count(total)} cities are in ${dataFolder} from an earlier run (--fresh starts over)`)
    return {}
  }
  const start = performance.now()
  const perSecond = done => ((done - total) / (performance.now() - start)) * 1_000
  await importCities(db, cities, total, done => {
    step(
      `importing: ${count(done)} of ${count(cities.length)} cities, ${count(perSecond(done))} per second`,
      {
        passing: done < cities.length,
      },
    )
  })
  return { imported: cities.length - total, citiesPerSecond: Math.round(perSecond(cities.length)) }
}

async function sync(cloud, wire, country) {
  const start = performance.now()
  cloud.init({
    endpoint: wire.url,
    subscribe: { cities: { country } },
    queryLimits: { default: 20, max: 100_000 },
  })
  await cloud.whenSynced()
  const syncMs = performance.now() - start
  const { received, sent } = wire.meter
  const { data } = await cloud.database().collection('cities').where({ country }).limit(100_000).get()
  const jsonBytes = Buffer.byteLength(JSON.stringify(data))
  step(
    `${count(data.length)} cities of ${country} are here after ${milliseconds(syncMs)}: ` +
      `${bytes(received)} came over the wire for ${bytes(jsonBytes)} of JSON, ${bytes(sent)} went`,
  )
  return { synced: data.length, syncMs: round(syncMs), wireBytes: received, sentBytes: sent, jsonBytes }
}

async function answerOffline(cloud, country) {
  cloud.goOffline()
  step('offline')
  const answers = await askQuestions(cloud.database(), country)
  for (const answer of answers) printAnswer(answer)
  return Object.fromEntries(answers.map(({ name, medianMs }) => [`${name}Ms`, round(medianMs)]))
}

/** Removes a data folder, and nothing that is not one. */
async function clear(folder) {
  await mkdir(folder, { recursive: true })
  const names = await readdir(folder)
  if (names.length > 0 && !names.includes('nearcloud.db'))
    throw new Error(`${folder} is not a data folder of nearcloud, so --fresh leaves it alone`)
  await rm(folder, { recursive: true })
}

function round(number) {
  return Number(number.toPrecision(4))
}

try {
  const asked = readArguments(process.argv.slice(2))
  if (asked.wantsHelp) console.log(help)
  else {
    const figures = await run(asked)
    if (asked.wantsJson) console.log(JSON.stringify(figures))
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
