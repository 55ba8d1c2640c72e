import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Module, testsVariable } from './modules.ts'
import type { Judged } from './score.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

export function folderOf({ package: name }: Module): string {
  return `${root}packages/${name}`
}

/** The files of a module that are changed, below its package's folder: sources, no tests. */
export function filesOf(module: Module): string[] {
  return module.files.flatMap(path =>
    path.endsWith('/')
      ? readdirSync(`${folderOf(module)}/${path}`, { recursive: true, encoding: 'utf8' })
          .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes('testing/'))
          .map(name => `${path}${name}`)
          .sort()
      : [path],
  )
}

/** Those of them that are not what they were at that commit. Throws where git does not know it. */
export function changedSince(commit: string, module: Module): string[] {
  const names = execFileSync('git', ['diff', '--name-only', '--relative', commit, '--', '.'], {
    cwd: folderOf(module),
    encoding: 'utf8',
    stdio: 'pipe',
  })
  const changed = new Set(names.split('\n'))
  return filesOf(module).filter(file => changed.has(file))
}

/**
 * Changes these files of a module in every small way there is, one after the other, in a copy of its package, and lets the tests that come by look
 * at each. Changes the working folder of this process meanwhile.
 */
export async function mutate(
  module: Module,
  files: readonly string[],
  { workers }: { readonly workers: number },
): Promise<Judged[]> {
  const { Stryker } = await import('@stryker-mutator/core')
  const before = process.cwd()
  process.chdir(folderOf(module))
  process.env[testsVariable] = module.tests.join(',')
  try {
    const stryker = new Stryker({
      mutate: [...files],
      testRunner: 'vitest',
      plugins: ['@stryker-mutator/vitest-runner'].map(name => fileURLToPath(import.meta.resolve(name))),
      vitest: { configFile: fileURLToPath(new URL('./vitest.config.js', import.meta.url)), related: false },
      coverageAnalysis: 'perTest',
      concurrency: workers,
      reporters: ['progress'],
      tsconfigFile: 'no-tsconfig.json',
      // those above are found instead
      ignorePatterns: ['dist', 'bench', 'tsconfig*.json'],
      tempDirName: '.mutated',
      cleanTempDir: 'always',
      logLevel: 'warn' as never,
      fileLogLevel: 'off' as never,
      timeoutMS: 10_000,
    })
    const judged = (await stryker.runMutationTest()) as readonly Judged[]
    return judged.map(each => ({ ...each, fileName: relative(process.cwd(), each.fileName) }))
  } finally {
    delete process.env[testsVariable]
    process.chdir(before)
  }
}
