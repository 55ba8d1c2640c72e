import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandValues } from '../command.ts'
import { fuzzHttp } from './http.ts'
import { writeHttpProject } from './http-project.ts'

const { requests: count, seed } = commandValues({
  name: 'pnpm fuzz:http',
  about: 'Hostile requests against a server process. One line of JSON.',
  options: { requests: [1_000_000, ''], seed: ['random', ''] },
  inOrder: ['requests', 'seed'],
})
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-fuzz-'))
writeHttpProject(folder)
try {
  const report = await fuzzHttp({ project: folder, data: join(folder, 'data'), count, seed })
  console.log(JSON.stringify({ seed, ...report }))
  process.exitCode = report.isAlive && report.bad.length === 0 && report.rssGrowthMb < 128 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
