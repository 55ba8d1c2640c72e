import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandValues } from '../command.ts'
import { writeHttpProject } from './http-project.ts'
import { storm } from './storm.ts'

const { count, seed } = commandValues({
  name: 'pnpm storm',
  about:
    'Hostile frames and requests at once against a server process, while a healthy client writes. One line of JSON.',
  options: { count: [1_000_000, 'of frames and requests; a fifth are requests'], seed: ['random', ''] },
  inOrder: ['count', 'seed'],
})
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
