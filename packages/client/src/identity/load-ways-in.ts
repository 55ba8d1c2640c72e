import { CloudError } from '@nearcloud/protocol'

/** What signs in, which needs the server: fetched when somebody does. Rejects with OFFLINE when it could not be; nothing has changed then. */
export async function loadWaysIn(): Promise<typeof import('./ways-in.ts')> {
  try {
    return await import('./ways-in.ts')
  } catch (cause) {
    throw new CloudError('OFFLINE', {
      errMsg: 'signIn:fail what signs in could not be loaded: it comes with the app’s other files',
      cause,
    })
  }
}
