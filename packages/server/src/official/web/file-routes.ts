import type { Json, Value } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import type { Actor } from '../../actor.ts'
import type { Files } from '../../files/files.ts'
import { originOf } from '../../http/origin-of.ts'
import { answered, codeOf, copied } from '../file-actions.ts'
import { fieldsOf, listOf, textOf } from '../wire/shapes.ts'
import { bodyOf, type WebDoor } from './web-door.ts'

/** `/v1/storages/…`: the files of `@cloudbase/js-sdk`. What cannot be had of a list is told in its item. */
export function addFileRoutes(
  app: Hono,
  { door, files }: { readonly door: WebDoor; readonly files: Pick<Files, 'ask' | 'wholeUpload' | 'copy'> },
): void {
  door.open(app, '/v1/storages/*')
  const post = (name: string, work: (c: Context, list: readonly Json[], actor: Actor) => Promise<object>) =>
    app.post(`/v1/storages/${name}`, c =>
      door.answer(c, async () => {
        const actor = await door.userOf(c)
        return work(c, listOf(await bodyOf(c), 'a request') as Json[], actor)
      }),
    )

  post('get-objects-upload-info', async (c, list, actor) => {
    return list.map(each => {
      const objectId = textOf(fieldsOf(each, 'a file').objectId, 'objectId')
      const { fileID, uploadUrl } = files.wholeUpload(actor, objectId)
      // the address says it all; the SDK sends the others back in headers
      const headers = { token: 'none', authorization: 'none', cloudObjectMeta: 'none' }
      return {
        objectId,
        cloudObjectId: fileID,
        uploadUrl: `${originOf(c)}${uploadUrl}`,
        downloadUrl: '',
        ...headers,
      }
    })
  })

  post('get-objects-download-info', async (c, list, actor) => {
    const wanted = list.map(each => ({ fileID: idOf(each) }))
    const found = await answered(files.ask(actor, { verb: 'urls', files: wanted }, true))
    return found.map(({ fileID, status, origin = originOf(c), tempFileURL = '' }) => ({
      cloudObjectId: fileID,
      ...(status === 0 ? { downloadUrl: `${origin}${tempFileURL}` } : failure(status)),
    }))
  })

  post('copy-objects', async (_c, list, actor) => {
    const done = await copied(
      files,
      actor,
      list.map(each => fieldsOf(each, 'a copy')),
    )
    return done.map(({ fileID, code, ...others }) => ({
      cloudObjectId: fileID,
      ...(code !== 'SUCCESS' && { code }),
      ...others,
    }))
  })

  post('delete-objects', async (_c, list, actor) => {
    const found = await answered(files.ask(actor, { verb: 'delete', files: list.map(idOf) }))
    return found.map(({ fileID, status }) => ({
      cloudObjectId: fileID,
      ...(status !== 0 && failure(status)),
    }))
  })
}

function idOf(each: Json): string {
  return textOf(fieldsOf(each, 'a file').cloudObjectId, 'cloudObjectId')
}

function failure(status: number): { readonly [key: string]: Value } {
  return {
    code: codeOf(status),
    message: status === -503002 ? 'the rules refuse it' : 'storage file not exists',
  }
}
