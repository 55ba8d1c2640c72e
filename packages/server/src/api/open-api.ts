import type { Hono } from 'hono'
import { type AdminParts, adminEndpoints } from './admin-endpoints.ts'
import { type ApiOptions, addApi } from './api.ts'
import { type AuthParts, authEndpoints } from './auth-endpoints.ts'
import { type DocumentParts, documentEndpoints } from './document-endpoints.ts'
import type { Endpoint } from './endpoint.ts'
import { type FileParts, fileEndpoints } from './file-endpoints.ts'
import { type FunctionParts, functionEndpoints } from './function-endpoints.ts'

export interface ApiParts {
  readonly auth: AuthParts
  readonly documents: DocumentParts
  readonly functions: FunctionParts
  readonly files: Pick<FileParts, 'files'>
  readonly admin: AdminParts
}

/** The whole table. */
export function endpointsOf(
  parts: Omit<ApiParts, 'files'> & { readonly files: FileParts },
): readonly Endpoint[] {
  return [
    ...authEndpoints(parts.auth),
    ...documentEndpoints(parts.documents),
    ...functionEndpoints(parts.functions),
    ...fileEndpoints(parts.files),
    ...adminEndpoints(parts.admin),
  ]
}

/** Serves the whole table. */
export function openApi(app: Hono, parts: ApiParts, options: Omit<ApiOptions, 'endpoints'>): void {
  const sendPart = async (uploadUrl: string, bytes: Uint8Array) =>
    app.request(uploadUrl, {
      method: 'PUT',
      headers: { 'upload-offset': '0', 'content-length': String(bytes.length) },
      body: bytes as Uint8Array<ArrayBuffer>,
    })
  const endpoints = endpointsOf({ ...parts, files: { ...parts.files, sendPart } })
  addApi(app, { ...options, endpoints })
}
