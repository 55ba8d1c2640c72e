import { CloudError, checkCollectionName, checkDocId, type DocId } from '@nearcloud/protocol'
import type { Instance } from './instance.ts'

/** The text field an editor is to edit. */
export interface EditorPlace {
  readonly collection: string
  readonly id: DocId
  /** Dotted, as in `body` or `chapters.first`. */
  readonly path: string
}

/**
 * Where an editor that speaks Yjs's own protocol finds a text: what an unmodified `y-websocket` provider is made with.
 *
 *     const { serverUrl, room, params } = await cloud.editorRoom({ collection: 'notes', id, path: 'body' })
 *     new WebsocketProvider(serverUrl, room, ydoc, { params, disableBc: true })
 *
 * The provider is the app's: destroy it when the user changes.
 */
export interface EditorRoom {
  readonly serverUrl: string
  readonly room: string
  /** `token` is the newest one whenever it is read, as a provider does at each connection. */
  readonly params: { readonly token: string }
}

/**
 * Throws INVALID_PARAM for what is no place, OFFLINE while the server has not said who this is. Once its user is not the active one
 * any more there is no token.
 */
export function editorRoomOf(instance: Instance, place: EditorPlace, isActive: () => boolean): EditorRoom {
  const { collection, id, path } = place ?? {}
  checkCollectionName(collection)
  checkDocId(id)
  if (typeof path !== 'string' || path === '')
    throw new CloudError('INVALID_PARAM', { errMsg: 'editorRoom:fail path names a field, as in "body"' })
  const { sync, setting } = instance
  if (sync.access === undefined)
    throw new CloudError('OFFLINE', {
      errMsg: 'editorRoom:fail there was no connection yet: ask again when the cloud is online',
    })
  return {
    serverUrl: `${setting.endpoint.replace(/^http/, 'ws')}/y`,
    room: [collection, String(id), path].map(encodeURIComponent).join('/'),
    params: {
      get token() {
        return isActive() ? (sync.access ?? '') : ''
      },
    },
  }
}
