/*
 * The other two databases that look like wx.cloud's and are not: CloudBase's and Alipay's. Only what is said and answered
 * differs; what is asked, and how it is carried out, is the builder's.
 */
export {
  type AlipayCollection,
  type AlipayDatabase,
  type AlipayDocument,
  AlipayError,
  type AlipayQuery,
  alipayError,
  createAlipayDatabase,
  Sort,
} from './alipay.ts'
export {
  type CloudbaseAggregate,
  type CloudbaseCollection,
  type CloudbaseDatabase,
  type CloudbaseDocument,
  CloudbaseError,
  type CloudbaseQuery,
  type CloudbaseSnapshot,
  cloudbaseError,
  createCloudbaseDatabase,
} from './cloudbase.ts'
export type { DialectOptions } from './dialect.ts'
