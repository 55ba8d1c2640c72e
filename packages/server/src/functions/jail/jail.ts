import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import Module from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isTypeScript } from '../typescript/compile.ts'
import type { RunnableCode } from '../warm-function.ts'
import {
  type Isolation,
  inNamespaces,
  type NamespaceTools,
  namespaceTools,
  stageFor,
  withoutRights,
} from './isolation.ts'
import { permissionFlags } from './permission-flags.ts'
import { sdkFolders } from './sdk-folders.ts'
import { existing, linkedPackages, packageFolders, viewOf } from './view.ts'

export interface JailOptions {
  /** The program to run, a file that Node runs as it is. */
  readonly workerFile: string
  /** The folder with all functions. */
  readonly root: string
  /** What no function may see: where the server keeps its data, the project. */
  readonly secret: readonly string[]
  /** Default: the most there is. */
  readonly isolation?: Isolation
}

/** How to start a function's process. */
export interface JailedCommand {
  readonly command: string
  readonly words: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  /** Whether the process ends when its standard input does. */
  readonly watchesInput: boolean
  /** To be called when the process is gone. */
  cleanUp(): void
}

/** Commands that run a function's code where it reaches its own files and no others. */
export class Jail {
  readonly isolation: Isolation
  readonly #options: JailOptions
  readonly #tools: NamespaceTools | undefined
  #workerFile: string
  #sdk: readonly string[]
  /** Hears of the limit of each process's heap. */
  #starting: (memoryMb: number) => void = () => {}

  constructor(options: JailOptions) {
    this.#options = options
    this.#tools = options.isolation === 'permissions' ? undefined : namespaceTools()
    this.isolation = this.#tools ? 'namespaces' : 'permissions'
    this.#workerFile = options.workerFile
    this.#sdk = sdkFolders(options.workerFile)
  }

  /** Processes that start from now on run this program, which is alone in its folder. */
  use(workerFile: string, starting: (memoryMb: number) => void = () => {}): void {
    this.#workerFile = workerFile
    this.#starting = starting
    this.#sdk = [dirname(workerFile)]
  }

  /** `debug`: more words for Node. */
  command({ folder, config, runtime }: RunnableCode, debug: readonly string[] = []): JailedCommand {
    this.#starting(config.memoryMb)
    const own = existing(folder.path)[0] ?? folder.path
    const packages = [...packageFolders(own), ...linkedPackages(own)]
    const reads = [...new Set([own, folder.path, ...packages, ...this.#sdk])]
    const limits = [`--max-old-space-size=${config.memoryMb}`, '--no-warnings', '--enable-source-maps']
    const node = (temporary: string) => [
      process.execPath,
      ...limits,
      // Node lets no debugger in where it holds code by permissions
      ...(debug.length > 0
        ? []
        : permissionFlags(reads, temporary, runtime.allow, needsThread(folder.entry))),
      ...debug,
      this.#workerFile,
    ]
    const path = runtime.allow.has('childProcesses') ? { PATH: usualPath } : {}
    if (this.#tools) {
      const words = this.#inNamespaces(this.#tools, own, packages, config.memoryMb, node('/tmp'))
      return jailed(words, { ...path, ...config.variables })
    }
    const temporary = mkdtempSync(join(tmpdir(), 'nearcloud-function-'))
    const words = process.platform === 'win32' ? node(temporary) : dyingWithInput(node(temporary))
    return jailed(words, { ...path, ...config.variables, TMPDIR: temporary }, temporary)
  }

  #inNamespaces(
    tools: NamespaceTools,
    own: string,
    packages: readonly string[],
    memoryMb: number,
    node: readonly string[],
  ): readonly string[] {
    const secret = [this.#options.root, ...this.#options.secret, homedir()].flatMap(existing)
    const needed = [own, ...packages, ...existing(dirname(process.execPath))]
    const { hidden, kept } = viewOf(['/tmp', ...secret], [...needed, ...this.#sdk])
    const stage = stageFor([...hidden, ...kept])
    const staged = kept.map((_, at) => `${stage}/${at}`)
    const { mount, umount, mkdir, setpriv } = tools
    const script = [
      'set -e',
      `${mount} -t tmpfs -o size=64k,mode=700 none ${stage}`,
      ...(kept.length > 0 ? [`${mkdir} ${staged.join(' ')}`] : []),
      ...kept.map((folder, at) => `${mount} --bind ${quoted(folder)} ${staged[at]}`),
      `${mount} -t proc proc /proc`,
      ...hidden.map(folder => {
        const size = folder === '/tmp' ? `${memoryMb}m,mode=1777` : '64k,mode=755'
        return `${mount} -t tmpfs -o size=${size},nosuid,nodev none ${quoted(folder)}`
      }),
      ...(kept.length > 0 ? [`${mkdir} -p ${kept.map(quoted).join(' ')}`] : []),
      ...kept.map((folder, at) => `${mount} --bind ${staged[at]} ${quoted(folder)}`),
      // a mount's flags may be locked, and then it stays as it is
      ...kept.map(folder => `${mount} -o remount,bind,ro ${quoted(folder)} 2>/dev/null || :`),
      `${umount} -l ${stage}`,
      `cd ${quoted(own)}`,
      'unset PWD OLDPWD',
      `exec ${setpriv} ${withoutRights.join(' ')} ${node.map(quoted).join(' ')}`,
    ]
    return inNamespaces(tools, script)
  }
}

/** `temporary`: its folder for files, where it has none of its own by its namespaces. */
function jailed(
  [command, ...words]: readonly string[],
  variables: Readonly<Record<string, string>>,
  temporary?: string,
): JailedCommand {
  const cleanUp = () => {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
  }
  return { command: command!, words, variables, watchesInput: temporary !== undefined, cleanUp }
}

/** A shell in the process's group waits for the end of its input, which the server holds, and ends the group. */
function dyingWithInput(node: readonly string[]): readonly string[] {
  const guard = '{ exec 1>&- 2>&- 3>&-; read -r _; kill -9 -$$; } <&9 &'
  return [
    '/bin/sh',
    '-c',
    ['exec 9<&0', guard, 'exec 9<&- </dev/null', `exec ${node.map(quoted).join(' ')}`].join('\n'),
  ]
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** On Node 20 whoever answers for the names in an `import` sits in a thread of its own. */
function needsThread(entry: string): boolean {
  return !('registerHooks' in Module) && !isTypeScript(entry) && importing.test(readFileSync(entry, 'utf8'))
}

const importing = /\bimport\b/
const usualPath = '/usr/local/bin:/usr/bin:/bin'
