import { resolve } from 'node:path'
import { type BackupProgress, backUp, restoreBackup } from '@nearcloud/server'
import { defineCommand } from 'citty'
import { momentOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'
import { telling } from './progress.ts'

/** `nearcloud backup`: a copy of what a server keeps, also of one that runs. */
export function backupCommand(host: Host) {
  const args = {
    folder: {
      type: 'positional',
      required: false,
      description: 'The data folder: .nearcloud in the project, or what --data named',
    },
    to: { type: 'positional', required: false, description: 'A new folder for the copy' },
  } as const
  return defineCommand({
    meta: {
      name: 'backup',
      description: 'Copies the data of a server to a new folder, while it runs or not',
    },
    args,
    async run({ args: { folder, to, _, ...rest } }) {
      checkArguments('backup', 'FOLDER TO', [folder, to], _, rest, [])
      const facts = await backUp({
        dataFolder: resolve(host.cwd, folder!),
        to: resolve(host.cwd, to!),
        progress: progressOf(host),
      })
      host.out(`Backed up: ${sizeOf(facts.databaseBytes)} of documents and history, ${facts.files} files.`)
    },
  })
}

/** `nearcloud restore`: a backup becomes a data folder. */
export function restoreCommand(host: Host) {
  const args = {
    from: { type: 'positional', required: false, description: 'The folder with the backup' },
    folder: { type: 'positional', required: false, description: 'The data folder; no server may use it' },
    at: {
      type: 'string',
      valueHint: 'time',
      description:
        'Undoes what was committed after this moment: a date as in 2026-01-31T12:00:00Z, or 30s, 10m, 2h, 1d ago',
    },
    env: {
      type: 'string',
      valueHint: 'name',
      description: 'With --at: in this environment alone (default: in all)',
    },
    replace: {
      type: 'boolean',
      description: 'If the folder holds data, move that into "replaced-1" in it (default: refuse)',
    },
  } as const
  return defineCommand({
    meta: { name: 'restore', description: 'Puts a backup in place as the data folder of a server' },
    args,
    async run({ args: { from, folder, replace, at, env, _, ...rest } }) {
      checkArguments('restore', 'FROM FOLDER', [from, folder], _, rest, [])
      if (env !== undefined && at === undefined) throw new UsageError('--env goes with --at.')
      const facts = await restoreBackup({
        from: resolve(host.cwd, from!),
        dataFolder: resolve(host.cwd, folder!),
        isReplacing: replace === true,
        ...(at !== undefined && { moment: momentOf(at, 'at') }),
        ...(env !== undefined && { env }),
        progress: progressOf(host),
      })
      if (facts.replaced) host.out(`What was there is in ${facts.replaced}.`)
      host.out(`Restored: ${sizeOf(facts.databaseBytes)} of documents and history, ${facts.files} files.`)
      if (facts.rewound) {
        const { documents, commits, lostFiles } = facts.rewound
        host.out(`Undone: ${commits} commits, by which ${documents} documents were changed.`)
        if (lostFiles > 0)
          host.out(`${lostFiles} files had been removed since, and are gone: an earlier backup has them.`)
      }
      host.out('Devices that had seen later changes are told so, and keep what they have not sent.')
    },
  })
}

function checkArguments(
  command: string,
  usage: string,
  wanted: readonly (string | undefined)[],
  words: readonly string[],
  rest: Readonly<Record<string, unknown>>,
  options: readonly string[],
): void {
  for (const name of Object.keys(rest))
    if (!options.includes(name))
      throw new UsageError(`${command} has no option --${name}; "nearcloud ${command} --help" lists them.`)
  if (wanted.some(each => each === undefined || each === '') || words.length !== wanted.length)
    throw new UsageError(`it is "nearcloud ${command} ${usage}"; "nearcloud ${command} --help" says more.`)
}

function progressOf(host: Host): (progress: BackupProgress) => void {
  const parts = {
    database: telling(host, 'database'),
    files: telling(host, 'files'),
    documents: telling(host, 'undone'),
  }
  return ({ part, done, total }) => parts[part](done, total)
}

function sizeOf(bytes: number): string {
  const megabytes = bytes / 1_000_000
  return megabytes < 10 ? `${megabytes.toFixed(1)} MB` : `${Math.round(megabytes)} MB`
}
