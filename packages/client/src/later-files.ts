import { CloudError } from '@nearcloud/protocol'
import { loadAggregation } from '@nearcloud/query'
import type { FileWork } from './files.ts'
import type { Platform } from './platform.ts'

/*
 * What few runs of an app do is fetched apart. Each rejects with OFFLINE when it could not be; then it is tried again the next time.
 */

export const loadFiles = () => part('files', import('./files.ts'))
export const loadCalls = () => part('functions', import('./functions.ts'))

/**
 * What is of use without a network, and `more` of it, is fetched as soon as a store is open, while there is one; if not then, when it is
 * asked for.
 */
export function fetchAhead({ isWhole }: Platform, ...more: readonly (() => Promise<unknown>)[]): void {
  if (isWhole) return
  for (const load of [loadAggregation, loadFiles, loadCalls, () => import('./upload.ts'), ...more])
    void load().catch(() => undefined)
}

/** What is named so, as it comes. Rejects with OFFLINE. */
export async function part<Part>(what: string, coming: Promise<Part>): Promise<Part> {
  try {
    return await coming
  } catch (cause) {
    throw new CloudError('OFFLINE', {
      errMsg: `what works with ${what} could not be loaded: it comes with the app’s other files`,
      cause,
    })
  }
}

/** Files that are there when something is first done with one. */
export function laterFiles(make: () => Promise<FileWork>): FileWork {
  let made: FileWork | undefined
  const files = async () => {
    if (made) return made
    const came = await make()
    made ??= came
    return made
  }
  return {
    upload: async (...given) => (await files()).upload(...given),
    download: async (...given) => (await files()).download(...given),
    urls: async asked => (await files()).urls(asked),
    delete: async asked => (await files()).delete(asked),
  }
}
