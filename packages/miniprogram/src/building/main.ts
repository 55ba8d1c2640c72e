import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from './build.ts'

/** Builds into `dist/miniprogram`, which `miniprogram` in package.json names. */
const home = join(import.meta.dirname, '../..')
const folder = join(home, 'dist/miniprogram')
const files = await build(join(home, 'src/index.ts'))
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const { name, code } of files) {
  writeFileSync(join(folder, name), code)
  const kilobytes = (bytes: number) => `${(bytes / 1_024).toFixed(1)} KiB`
  console.log(`${name}: ${kilobytes(Buffer.byteLength(code))}, ${kilobytes(gzipSync(code).length)} gzip`)
}
