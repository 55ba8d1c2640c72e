import { CloudError } from '@nearcloud/protocol'

/** What `act` gives; what it refuses begins with the place of the stage: `stage 2 (group): …`. */
export function inStage<T>(position: number, name: unknown, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof CloudError)) throw error
    const place =
      typeof name === 'string' ? `stage ${position + 1} (${name.slice(0, 50)})` : `stage ${position + 1}`
    throw new CloudError(error.code, {
      errMsg: `${place}: ${error.errMsg}`,
      details: error.details,
      cause: error,
    })
  }
}
