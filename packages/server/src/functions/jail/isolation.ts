import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

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
  const [setpriv, unshare, sh, mount, mkdir] = ['setpriv', 'unshare', 'sh', 'mount', 'mkdir'].map(find)
  if (!setpriv || !unshare || !sh || !mount || !mkdir) return undefined
  const tools = { setpriv, unshare, sh, mount, mkdir }
  const [command, ...words] = inNamespaces(tools, [
    'set -e',
    `${mount} -t proc proc /proc`,
    `${mount} -t tmpfs -o size=64k none /tmp`,
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

/** For `setpriv`: nothing that runs behind it can undo what the script made. */
export const withoutRights = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'] as const

function find(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/bin', '/usr/sbin', '/sbin']
  return folders
    .filter(folder => folder.startsWith('/'))
    .map(folder => join(folder, name))
    .find(path => existsSync(path))
}
