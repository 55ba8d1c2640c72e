import { expectTypeOf, test } from 'vitest'
import type * as sdkModule from './index.ts'

type Sdk = typeof sdkModule
const found = async (sdk: Sdk) => (await sdk.database().collection('c').doc('a').get()).data
const foundOrNot = async (sdk: Sdk) =>
  (await sdk.database({ throwOnNotFound: false }).collection('c').doc('a').get()).data
const foundByInstance = async (sdk: Sdk) =>
  (await sdk.createNewInstance({}).database({ throwOnNotFound: false }).collection('c').doc('a').get()).data
type Found<Of extends (sdk: Sdk) => Promise<unknown>> = Awaited<ReturnType<Of>>

test('[SDK-8] who asks for null in place of an error has it in the type, of an instance too; nobody else', () => {
  expectTypeOf<null>().toExtend<Found<typeof foundOrNot>>()
  expectTypeOf<null>().toExtend<Found<typeof foundByInstance>>()
  expectTypeOf<null>().not.toExtend<Found<typeof found>>()
})
