import { createHash } from 'node:crypto'
import { CloudError, type ErrorCode, limits, toJson } from '@nearcloud/protocol'
import { z } from 'zod'
import type { Files } from '../files/files.ts'
import { mostPartBytes } from '../files/upload.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import * as s from './schemas.ts'

export interface FileParts {
  readonly files: Pick<Files, 'ask'>
  /** Sends a part to the address of an upload, as a client would. */
  sendPart(uploadUrl: string, bytes: Uint8Array): Promise<Response>
}

/** Files, as their rules let who asks. The bytes go over the addresses that are told. */
export function fileEndpoints({ files, sendPart }: FileParts): readonly Endpoint[] {
  const list = { min: 1, max: limits.fileListItems }
  const base = { tag: 'files', status: 200 } as const
  const done = z.strictObject({ fileID: z.string(), status: z.int(), errMsg: z.string() })

  return [
    endpoint({
      ...base,
      operation: 'uploadFile',
      method: 'put',
      path: '/files/content',
      summary: `Upload a file of at most ${mostPartBytes} bytes in one request; its type is that of the request.`,
      access: 'user',
      query: z.strictObject({ path: z.string().describe('Where it shall be, as "pictures/cat.png".') }),
      body: { bytes: mostPartBytes },
      answer: z.strictObject({ fileID: z.string() }),
      refusals: [422, 507],
      async run({ actor, query, body, contentType }) {
        const sha256 = createHash('sha256').update(body).digest('hex')
        const { fileID, uploadUrl, offset } = (await files.ask(actor, {
          verb: 'upload',
          path: query.path,
          size: body.length,
          sha256,
          contentType,
        })) as { fileID: string; uploadUrl: string; offset: number }
        if (offset === body.length && offset > 0) return { fileID }
        const answer = await sendPart(uploadUrl, body)
        if (answer.status === 200) return { fileID }
        const { code, errMsg } = (await answer.json().catch(() => ({}))) as { code?: string; errMsg?: string }
        const isFull = answer.status === 507
        throw new CloudError(isFull ? 'STORE_FULL' : ((code ?? 'STORAGE_REQUEST_FAIL') as ErrorCode), {
          errMsg: errMsg ?? 'uploadFile:fail another upload of the same file is under way, try again',
        })
      },
    }),
    endpoint({
      ...base,
      operation: 'beginUpload',
      method: 'post',
      path: '/files/uploads',
      summary:
        'Begin, or go on with, an upload in parts: they are PUT to uploadUrl with the header upload-offset.',
      access: 'user',
      body: z.strictObject({
        path: z.string(),
        size: s.count,
        sha256: z.string().describe('Of the whole file: 64 hex digits.'),
        contentType: z.string().optional(),
      }),
      answer: z.strictObject({
        fileID: z.string(),
        uploadUrl: z
          .string()
          .describe('Relative to the server. 204: the next part, from the upload-offset told; 200: whole.'),
        offset: s.count.describe('What is here already; all of it: nothing is to be sent.'),
        partBytes: s.count.describe('A part has at most so many.'),
      }),
      refusals: [422, 507],
      async run({ actor, body }) {
        const { contentType = 'application/octet-stream', ...rest } = body
        return toJson(await files.ask(actor, { verb: 'upload', contentType, ...rest }))
      },
    }),
    endpoint({
      ...base,
      operation: 'fileUrls',
      method: 'post',
      path: '/files/urls',
      summary:
        'Temporary addresses of files, relative to `origin`, or else to the server; each has a status of its own.',
      access: 'anyone',
      body: z.strictObject({
        files: z
          .array(z.strictObject({ fileID: z.string(), maxAge: s.count.optional().describe('Seconds.') }))
          .min(list.min)
          .max(list.max),
      }),
      answer: z.strictObject({
        fileList: z.array(
          done.extend({ tempFileURL: z.string(), origin: z.string().optional(), maxAge: s.count }),
        ),
      }),
      async run({ actor, body }) {
        const asked = body.files.map(({ fileID, maxAge }) => ({
          fileID,
          ...(maxAge !== undefined && { maxAge }),
        }))
        return toJson(await files.ask(actor, { verb: 'urls', files: asked }))
      },
    }),
    endpoint({
      ...base,
      operation: 'deleteFiles',
      method: 'post',
      path: '/files/delete',
      summary: 'Delete files; each has a status of its own.',
      access: 'user',
      body: z.strictObject({ files: z.array(z.string()).min(list.min).max(list.max) }),
      answer: z.strictObject({ fileList: z.array(done) }),
      run: async ({ actor, body }) => toJson(await files.ask(actor, { verb: 'delete', files: body.files })),
    }),
  ]
}
