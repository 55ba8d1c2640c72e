import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fuzzHttp } from './http.ts'
import { writeHttpProject } from './http-project.ts'

/* `pnpm fuzz:http [requests] [seed]`: hostile requests against a server process; one line of JSON. */
const count = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? randomInt(1, 2 ** 31))
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-fuzz-'))
writeHttpProject(folder)
try {
  const report = await fuzzHttp({ project: folder, data: join(folder, 'data'), count, seed })
  console.log(JSON.stringify({ seed, ...report }))
  process.exitCode = report.isAlive && report.bad.length === 0 && report.rssGrowthMb < 128 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
