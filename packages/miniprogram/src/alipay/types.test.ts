import { expect, test } from 'vitest'
import { type AlipayContext, type FunctionCaller, type My, myHost } from './index.ts'

type Original = ReturnType<typeof my.cloud.createCloudContext>
// what texts may be read by is not all in the typings
type ButFiles<Host> = Omit<Host, 'getFileSystemManager'>

// the compiler checks these: what does not conform does not build
const ofTheRealHost = (host: typeof my): ButFiles<My> => host
const conforms = (context: AlipayContext): Omit<Original, 'getTempFileURL' | 'callContainer'> => context
const hasATunnel = (original: Original): FunctionCaller => original

test('[MP-33] a context is what the public typings of my.cloud say, and the real my is a host', () => {
  expect([ofTheRealHost, conforms, hasATunnel, myHost].map(each => typeof each)).toEqual(
    Array.from({ length: 4 }, () => 'function'),
  )
})
