import { onTestFinished } from 'vitest'
import { type CliProcess, cliProcess } from './cli-process.ts'

/** The `nearcloud` command as a process, on one data folder; gone after the test. */
export function serverProcess(project: string, data: string): CliProcess {
  const server = cliProcess(project, data)
  onTestFinished(() => server.kill())
  return server
}
