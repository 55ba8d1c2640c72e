import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@nearcloud/protocol'
import { readFunctionConfig } from '../functions/function-config.ts'
import { readFunctionFolders } from '../functions/function-folder.ts'
import type { FunctionCode } from '../functions/warm-function.ts'

/**
 * Looks every two seconds whether a `config.json` of a function changed; when it did and is still, tells the functions as
 * they are then, or what keeps them from being read. Returns the way to stop.
 */
export function watchDeclarations(
  root: string,
  clock: Clock,
  observer: { changed(codes: readonly FunctionCode[]): void; failed(error: unknown): void },
): () => void {
  let told = signatureOf(root)
  let last = told
  const look = () => {
    const signature = signatureOf(root)
    if (signature !== told && signature === last) {
      told = signature
      try {
        observer.changed(readCodes(root))
      } catch (error) {
        observer.failed(error)
      }
    }
    last = signature
    cancel = clock.after(lookEveryMs, look)
  }
  let cancel = clock.after(lookEveryMs, look)
  return () => cancel()
}

function readCodes(root: string): readonly FunctionCode[] {
  return readFunctionFolders(root).map(folder => ({
    folder,
    config: readFunctionConfig(join(folder.path, 'config.json')),
  }))
}

function signatureOf(root: string): string {
  try {
    return readdirSync(root)
      .sort()
      .map(name => {
        const stat = statSync(join(root, name, 'config.json'), { throwIfNoEntry: false })
        return stat ? `${name}:${stat.mtimeMs}:${stat.size}:${stat.ino}` : name
      })
      .join('\n')
  } catch {
    return ''
  }
}

const lookEveryMs = 2_000
