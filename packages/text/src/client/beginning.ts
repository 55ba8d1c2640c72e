import { updateFromPlain } from '../replica.ts'

/**
 * The state that a text begins with. It is written by nobody (client id 0), so every replica that knows what a text began with
 * has the same beginning without being told.
 */
export function beginningOf(content: string): Uint8Array {
  return updateFromPlain(content, { clientId: 0, root: 'text' })
}
