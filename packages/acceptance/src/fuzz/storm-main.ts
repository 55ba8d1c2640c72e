import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeHttpProject } from './http-project.ts'
import { storm } from './storm.ts'

/* `pnpm storm [frames and requests] [seed]`: a fifth are requests, all at once; one line of JSON. */
const count = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? randomInt(1, 2 ** 31))
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-storm-'))
writeHttpProject(folder)
try {
  const requests = Math.floor(count / 5)
  const report = await storm({
    ...{ project: folder, data: join(folder, 'data') },
    ...{ frames: count - requests, requests, seed },
  })
  console.log(JSON.stringify({ seed, ...report }))
  const isHarmless = report.isAlive && report.bad.length === 0 && report.rssGrowthMb < 192
  process.exitCode = isHarmless && report.healthy.p99Ms < 200 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
