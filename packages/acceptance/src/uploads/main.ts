import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cutUploads } from './cut-uploads.ts'
import { openToAll } from './rules.ts'

const help = `pnpm crash:files [options]: uploads that are cut, and whether any file is ever seen that is not whole
  --cuts 200         how often the server or a client is killed
  --photos 3         of each client
  --seed 1`
const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '200' },
    photos: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-cut-'))
const project = mkdtempSync(join(tmpdir(), 'nearcloud-cut-project-'))
writeFileSync(join(project, 'rules.json'), JSON.stringify(openToAll))
const begun = performance.now()
const { cuts, photos, seed } = values
const report = await cutUploads({
  ...{ project, folder, seed: Number(seed), cuts: Number(cuts), photosEach: Number(photos) },
}).finally(() => {
  for (const each of [folder, project]) rmSync(each, { recursive: true, force: true, maxRetries: 5 })
})
console.log(JSON.stringify({ seconds: Math.round((performance.now() - begun) / 1_000), ...report }))
process.exit(report.wrong.length === 0 ? 0 : 1)
