import type { Project } from './project.ts'

export interface Running {
  readonly version: string
  readonly project: Project
  readonly env: string
  readonly dataFolder: string
  /** Where the server answers; the pages are opened at the first. */
  readonly urls: readonly string[]
  readonly site: string | undefined
}

/** What a person wants to know when it has started: what runs, where the data is, what was found, what to open. */
export function banner(running: Running, hasColours: boolean): string {
  const dim = (text: string) => (hasColours ? `\x1b[2m${text}\x1b[22m` : text)
  const bold = (text: string) => (hasColours ? `\x1b[1m${text}\x1b[22m` : text)
  const { project, urls } = running
  const row = (label: string, value: string) => `  ${dim(label.padEnd(9))} ${value}`
  const lines = [
    '',
    `${bold(`nearcloud ${running.version}`)} is running${project.name ? `: ${project.name}` : ''}`,
    '',
    ...urls.map((url, index) => row(index === 0 ? 'server' : '', url)),
    row('env', running.env),
    row('data', running.dataFolder),
    row('project', project.folder),
    row('rules', project.hasRules ? 'rules.json' : 'none: documents belong to their creators'),
    row('functions', project.functions.length > 0 ? project.functions.join(', ') : 'none'),
  ]
  if (running.site) {
    lines.push(row('site', running.site), '', open(project.open.length))
    for (const path of project.open) lines.push(`  ${bold(urls[0] + path)}`)
  }
  lines.push('', dim('Ctrl-C stops it. Starting again finds everything as it was.'), '')
  return lines.join('\n')
}

function open(pages: number): string {
  if (pages === 1) return 'Open'
  return pages === 2 ? 'Open both, side by side' : 'Open these, side by side'
}
