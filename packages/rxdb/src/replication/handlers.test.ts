import type { RxCollection } from 'rxdb/plugins/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { nearcloudHandlers } from './handlers.ts'

const collection = { name: 'todos', schema: { primaryPath: 'id' } } as unknown as RxCollection<{ id: string }>

test('[RXCLIENT-5] a host without a WebSocket is told so, before anything is begun', () => {
  vi.stubGlobal('WebSocket', undefined)
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(() => nearcloudHandlers({ collection, url: 'https://a.example', token: () => 't' })).toThrow(/"ws"/)
})

test('[RXCLIENT-4] the address names the collection and its key, and no token', async () => {
  const addresses: string[] = []
  class Socket {
    constructor(address: string) {
      addresses.push(address)
    }
    close() {}
  }
  const open = (part: object) => {
    const { pull, close } = nearcloudHandlers({
      ...{ collection, url: 'https://a.example/', token: () => 'secret', WebSocket: Socket },
      ...part,
    })
    const asked = pull.handler(undefined, 10)
    close()
    return expect(asked).rejects.toMatchObject({ code: 'CLOSED' })
  }
  await open({})
  await open({ url: 'http://127.0.0.1:80', remote: '待办', owner: 'by' })
  expect(addresses).toEqual([
    'wss://a.example/rxdb/todos?key=id',
    'ws://127.0.0.1:80/rxdb/%E5%BE%85%E5%8A%9E?key=id&owner=by',
  ])
})
