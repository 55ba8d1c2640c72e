import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, entries } from './build.ts'

const home = join(import.meta.dirname, '../..')
for (const [folder, entry] of Object.entries(entries)) {
  const into = join(home, folder)
  const files = await build(join(home, 'src', entry))
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  for (const { name, code } of files) {
    writeFileSync(join(into, name), code)
    const kilobytes = (bytes: number) => `${(bytes / 1_024).toFixed(1)} KiB`
    console.log(
      `${folder}/${name}: ${kilobytes(Buffer.byteLength(code))}, ${kilobytes(gzipSync(code).length)} gzip`,
    )
  }
  // bundlers find it in a package of modules, and it is none
  writeFileSync(join(into, 'package.json'), '{ "type": "commonjs" }\n')
}
