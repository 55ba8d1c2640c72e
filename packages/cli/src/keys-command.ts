import { sdkAccess } from '@nearcloud/server'
import { defineCommand } from 'citty'
import { place, placeOf } from './function-commands.ts'
import type { Host } from './host.ts'

/** `nearcloud keys`: what an official SDK of the server side is initialised with. */
export function keysCommand(host: Host) {
  return defineCommand({
    meta: {
      name: 'keys',
      description:
        'Says what wx-server-sdk and @cloudbase/node-sdk are initialised with; it gives all rights',
    },
    args: place,
    async run({ args: given }) {
      const { dataFolder, env } = placeOf(host, given)
      const access = await sdkAccess({ dataFolder, ...(env !== undefined && { env }) })
      host.out(JSON.stringify(access, null, 2))
    },
  })
}
