import type { Hono } from 'hono'
import type { FilesHost } from '../files/files-host.ts'

/** Refuses everything but files at the host that is for files. Comes before all other routes. */
export function addFilesHostDoor(app: Hono, filesHost: FilesHost): void {
  app.use(async (c, next) => {
    const isFile = c.req.path.startsWith('/files/') && readingMethods.includes(c.req.method)
    if (isFile || !filesHost.isAskedBy(c.req.header('host'))) return next()
    return c.json({ code: 'INVALID_PARAM', errMsg: 'this host has files only' }, 421)
  })
}

const readingMethods = ['GET', 'HEAD', 'OPTIONS']
