import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandValues } from '../command.ts'
import { cutUploads } from './cut-uploads.ts'
import { openToAll } from './rules.ts'

const { cuts, photos, seed } = commandValues({
  name: 'pnpm crash:files',
  about: 'Uploads that are cut, and whether any file is ever seen that is not whole.',
  options: {
    cuts: [200, 'how often the server or a client is killed'],
    photos: [3, 'of each client'],
    seed: [1, 'or "random"'],
  },
})
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-cut-'))
const project = mkdtempSync(join(tmpdir(), 'nearcloud-cut-project-'))
writeFileSync(join(project, 'rules.json'), JSON.stringify(openToAll))
const begun = performance.now()
const report = await cutUploads({
  ...{ project, folder, seed, cuts, photosEach: photos },
}).finally(() => {
  for (const each of [folder, project]) rmSync(each, { recursive: true, force: true, maxRetries: 5 })
})
console.log(JSON.stringify({ seconds: Math.round((performance.now() - begun) / 1_000), ...report }))
process.exit(report.wrong.length === 0 ? 0 : 1)
