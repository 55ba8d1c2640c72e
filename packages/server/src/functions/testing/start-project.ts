import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createServer, type NearcloudServer, type ServerOptions } from '../../create-server.ts'
import type { LogLine } from '../../log-line.ts'
import { type CleanUp, temporaryFolder } from './open-fixtures.ts'

export interface StartedProject {
  readonly server: NearcloudServer
  /** The folder of the project. */
  readonly project: string
  readonly lines: LogLine[]
  /** Writes a file of the project. */
  write(file: string, text: string): void
}

/** A real server of a project with these files, by their paths; stopped with the test. */
export async function startProject(
  cleanUp: CleanUp,
  files: Readonly<Record<string, string>>,
  options: Partial<ServerOptions> = {},
): Promise<StartedProject> {
  const project = temporaryFolder(cleanUp)
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(project, file)), { recursive: true })
    writeFileSync(join(project, file), text)
  }
  for (const [file, text] of Object.entries(files)) write(file, text)
  const lines: LogLine[] = []
  const log = (line: LogLine) => void lines.push(line)
  const server = await createServer({ dataFolder: join(project, '.nearcloud'), project, log, ...options })
  cleanUp(() => server.stop())
  return { server, project, lines, write }
}
