import { parseArgs } from 'node:util'

/** What the command line asks for. Throws with a sentence when it cannot be meant. */
export function readArguments(words) {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      limit: { type: 'string' },
      data: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const country = (positionals[0] ?? 'FR').toUpperCase()
  if (!/^[A-Z]{2}$/.test(country))
    throw new Error(`a country is two letters, such as CN, FR or US; not "${country}"`)
  const limit = values.limit === undefined ? Infinity : Number(values.limit)
  if (!(limit >= 1)) throw new Error('--limit is the number of cities to import')
  return {
    country,
    limit,
    folder: values.data,
    isFresh: values.fresh,
    wantsJson: values.json,
    wantsHelp: values.help,
  }
}

export const help = `node src/main.js [country] [options]

  country       two letters: CN, FR, US … (default FR)
  --limit N     import only the N largest cities
  --data DIR    where the server keeps them (default .nearcloud beside package.json)
  --fresh       start over instead of using what an earlier run imported
  --json        the figures as one line of JSON at the end`
