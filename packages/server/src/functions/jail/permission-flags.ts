import type { FunctionAllowance } from '../runtime-config.ts'

/** What Node lets a function's code do: read these folders, write one, and what its `config.json` allows. */
export function permissionFlags(
  reads: readonly string[],
  writes: string,
  allow: ReadonlySet<FunctionAllowance>,
  needsThread: boolean,
): readonly string[] {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
  const isStable = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13)
  return [
    isStable ? '--permission' : '--experimental-permission',
    ...reads.map(folder => `--allow-fs-read=${folder}`),
    `--allow-fs-read=${writes}`,
    `--allow-fs-write=${writes}`,
    ...(major >= 25 ? ['--allow-net'] : []),
    ...(allow.has('childProcesses') ? ['--allow-child-process'] : []),
    ...(allow.has('addons') ? ['--allow-addons'] : []),
    // its own watch over the server runs in a thread where there is no shell to do it
    ...(allow.has('workers') || needsThread || process.platform === 'win32' ? ['--allow-worker'] : []),
  ]
}
