import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { assert } from '@nearcloud/protocol'
import { isWithin } from './view.ts'

/**
 * How a function is kept from what is not its own. `namespaces`: it has a view of the machine of its own, by the operating system, and
 * Node's permissions within. `permissions`: Node's alone.
 */
export type Isolation = 'namespaces' | 'permissions'

/** The programs that make namespaces, by their paths. */
export interface NamespaceTools {
  readonly setpriv: string
  readonly unshare: string
  readonly sh: string
  readonly mount: string
  readonly umount: string
  readonly mkdir: string
}

/** Undefined where the operating system does not give namespaces to this user. Tried once. */
export function namespaceTools(): NamespaceTools | undefined {
  probed ??= { tools: probe() }
  return probed.tools
}

let probed: { readonly tools: NamespaceTools | undefined } | undefined

function probe(): NamespaceTools | undefined {
  if (process.platform !== 'linux') return undefined
  const [setpriv, unshare, sh, mount, umount, mkdir] = programs.map(find)
  if (!setpriv || !unshare || !sh || !mount || !umount || !mkdir || !existsSync(stages[0]!)) return undefined
  const tools = { setpriv, unshare, sh, mount, umount, mkdir }
  const [command, ...words] = inNamespaces(tools, [
    'set -e',
    `${mount} -t proc proc /proc`,
    `${mount} -t tmpfs -o size=64k none /tmp`,
    `${mount} -t tmpfs -o size=64k none ${stages[0]}`,
    `${umount} -l ${stages[0]}`,
    `exec ${setpriv} ${withoutRights.join(' ')} ${sh} -c :`,
  ])
  const { status } = spawnSync(command!, words, { stdio: 'ignore', env: {}, timeout: 10_000 })
  return status === 0 ? tools : undefined
}

/** A command that runs this script in namespaces of its own, and dies with who started it. */
export function inNamespaces(
  { setpriv, unshare, sh }: NamespaceTools,
  script: readonly string[],
): readonly string[] {
  const dying = [setpriv, '--pdeathsig', 'KILL']
  const apart = [unshare, '--user', '--map-root-user', '--mount', '--pid', '--ipc', '--fork', '--kill-child']
  return [...dying, ...apart, sh, '-c', script.join('\n')]
}

const programs = ['setpriv', 'unshare', 'sh', 'mount', 'umount', 'mkdir']

/** A folder of the system that has nothing to do with these, where things are put while the view is made. */
export function stageFor(folders: readonly string[]): string {
  const isApart = (stage: string) =>
    !folders.some(folder => isWithin(folder, stage) || isWithin(stage, folder)) && existsSync(stage)
  const stage = stages.find(isApart)
  assert(stage !== undefined, 'no server keeps things in all of these')
  return stage
}

const stages = ['/mnt', '/media', '/srv', '/opt', '/run', '/home']

/** For `setpriv`: nothing that runs behind it can undo what the script made. */
export const withoutRights = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'] as const

function find(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/bin', '/usr/sbin', '/sbin']
  return folders
    .filter(folder => folder.startsWith('/'))
    .map(folder => join(folder, name))
    .find(path => existsSync(path))
}
