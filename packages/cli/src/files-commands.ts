import { randomUUID } from 'node:crypto'
import { createWriteStream, existsSync, lstatSync } from 'node:fs'
import { mkdir, realpath, rename, rm } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CloudError } from '@nearcloud/protocol'
import { type FileFacts, filesAsOperator, type OperatorFiles } from '@nearcloud/server'
import type { CommandDef } from 'citty'
import { filesIn, withFile } from './files/files-in.ts'
import { checkNames, place, placeOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'
import { telling } from './progress.ts'
import { isFolder } from './project.ts'
import { define } from './rules-commands.ts'

/** `nearcloud files …`: a folder of files into the cloud, and out of it. */
export function filesCommands(host: Host, exit: (code: number) => void): Record<'put' | 'get', CommandDef> {
  const folder = { type: 'positional', required: false, description: 'The folder on this machine' } as const
  const put = {
    folder,
    to: {
      type: 'string',
      valueHint: 'path',
      description: 'Where they go, as photos/2026 (default: each as it is called below the folder)',
    },
    ...place,
  } as const
  const get = {
    folder,
    from: { type: 'string', valueHint: 'path', description: 'Only what is below this path, as photos' },
    ...place,
  } as const
  return {
    put: define({
      meta: { name: 'put', description: 'Puts the files of a folder into the cloud; again, if need be' },
      args: put,
      async run({ args: { _, ...given } }) {
        checkNames('files put', given, put)
        const from = folderOf('put', host, given.folder, _.length)
        if (!isFolder(from)) throw new UsageError(`there is no folder ${from}.`)
        const prefix = pathOf('to', given.to)
        const { found, passed } = await filesIn(from)
        const files = await open(host, given)
        const counts = { put: 0, there: 0, refused: 0 }
        const told = telling(host, 'sent')
        const total = found.reduce((sum, { size }) => sum + size, 0)
        let done = 0
        for (const { file, path, size } of found) {
          await withFile(file, async opened => {
            const sha256 = await opened.sha256()
            const read = (a: number, b: number) => opened.read(a, b)
            const bytes = (sent: number) => told(done + sent, total)
            counts[await files.put({ path: prefix + path, size, sha256, read }, bytes)]++
          }).catch((thrown: unknown) => refused(host, path, thrown, counts))
          done += size
          told(done, total)
        }
        if (passed.length > 0)
          host.out(
            `Passed over, as links and hidden files are: ${passed.slice(0, mostTold).join(', ')}${passed.length > mostTold ? ' …' : ''}`,
          )
        host.out(
          `${filesOf(counts.put)} put${more(counts.there, 'there already')}${more(counts.refused, 'refused')}.`,
        )
        exit(counts.refused > 0 ? 1 : 0)
      },
    }),
    get: define({
      meta: { name: 'get', description: 'Writes the files of the cloud into a folder; again, if need be' },
      args: get,
      async run({ args: { _, ...given } }) {
        checkNames('files get', given, get)
        const to = folderOf('get', host, given.folder, _.length)
        const prefix = pathOf('from', given.from)
        const files = await open(host, given)
        const all: FileFacts[] = []
        for await (const each of files.all()) if (each.path.startsWith(prefix)) all.push(each)
        const counts = { got: 0, there: 0, refused: 0 }
        const told = telling(host, 'got')
        const total = all.reduce((sum, { size }) => sum + size, 0)
        let done = 0
        for (const each of all) {
          await fetchInto(files, each, to).then(
            outcome => counts[outcome]++,
            (thrown: unknown) => refused(host, each.path, thrown, counts),
          )
          done += each.size
          told(done, total)
        }
        host.out(
          `${filesOf(counts.got)} written to ${to}${more(counts.there, 'there already')}${more(counts.refused, 'refused')}.`,
        )
        exit(counts.refused > 0 ? 1 : 0)
      },
    }),
  }
}

function open(host: Host, given: Parameters<typeof placeOf>[1]): Promise<OperatorFiles> {
  const { dataFolder, env } = placeOf(host, given)
  return filesAsOperator({ dataFolder, ...(env !== undefined && { env }) })
}

/** A file appears whole. What is there with the same bytes stays; anything else is somebody's, and is not written over. */
async function fetchInto(
  files: OperatorFiles,
  { fileID, path, size, sha256 }: FileFacts,
  folder: string,
): Promise<'got' | 'there'> {
  const target = resolve(folder, ...path.split('/'))
  // a path is a name; on a disk it must not lead elsewhere
  if (!target.startsWith(resolve(folder) + sep) || path.includes('\\'))
    throw new UsageError('this machine cannot keep a file of that name')
  if (existsSync(target)) {
    const isSame =
      lstatSync(target).isFile() &&
      lstatSync(target).size === size &&
      (await withFile(target, opened => opened.sha256())) === sha256
    if (isSame) return 'there'
    throw new UsageError('something else is there')
  }
  await mkdir(dirname(target), { recursive: true })
  const [home, below] = [await realpath(folder), await realpath(dirname(target))]
  if (below !== home && !below.startsWith(home + sep))
    throw new UsageError('a link leads out of the folder there')
  // a name that nothing here has, and no other file of the cloud
  const draft = `${target}.${randomUUID()}.part`
  try {
    await pipeline(await files.get(fileID), createWriteStream(draft, { flags: 'wx', mode: 0o600 }))
    if ((await withFile(draft, opened => opened.sha256())) !== sha256)
      throw new UsageError('its bytes are not those that the server knew, try again')
    await rename(draft, target)
    return 'got'
  } finally {
    await rm(draft, { force: true })
  }
}

/** One file; what goes for all ends the command. */
function refused(host: Host, path: string, thrown: unknown, counts: { refused: number }): void {
  const { code, message } = thrown as NodeJS.ErrnoException
  if (code === 'ENOSPC')
    throw new UsageError('there is no space left on this machine: make room, and begin again.')
  if (code === 'STORE_FULL')
    throw new UsageError('there is no space left on the server: make room, and begin again.')
  if (code === 'SERVER_CONFIGURATION') throw thrown
  const isTold = thrown instanceof UsageError || thrown instanceof CloudError || code?.startsWith('E')
  if (!isTold) throw thrown
  if (++counts.refused <= mostTold) host.err(`${path}: ${message}`)
}

function folderOf(verb: string, host: Host, folder: string | undefined, count: number): string {
  if (!folder || count !== 1)
    throw new UsageError(
      `it is "nearcloud files ${verb} FOLDER"; "nearcloud files ${verb} --help" says more.`,
    )
  return resolve(host.cwd, folder)
}

/** A path that others go below; with the slash, or nothing. */
function pathOf(option: string, text: string | undefined): string {
  if (text === undefined) return ''
  const path = text.replace(/\/+$/, '')
  if (path === '' || path.startsWith('/'))
    throw new UsageError(`--${option} is a path in the cloud, as photos/2026, not "${text}".`)
  return `${path}/`
}

function filesOf(count: number): string {
  return count === 1 ? '1 file' : `${count} files`
}

function more(count: number, what: string): string {
  return count === 0 ? '' : `, ${count} ${what}`
}

const mostTold = 20
