import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder that is gone after the test. */
export function testFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `nearcloud-${name}-`))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** A project folder with these rules. */
export function testProject(rules: unknown): string {
  const folder = testFolder('project')
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules))
  return folder
}
