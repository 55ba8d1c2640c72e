import { broken, full } from './phone-disk.ts'
import { FileFailure, type FileFailureKind } from './phone-files.ts'
import type { Manner } from './process.ts'

/** What Alipay says of a failure: a number and words, and with a status that is no success the answer. */
export class MyFailure extends Error {
  readonly error: number
  readonly more: object

  constructor(error: number, words: string, more: object = {}) {
    super(words)
    this.error = error
    this.more = more
  }
}

export const myManner: Manner = {
  done: (_, result) => result,
  failed(_, thrown) {
    const { error, message, more } = failureOf(thrown)
    return { ...more, error, errorMessage: message }
  },
}

function failureOf(thrown: unknown): MyFailure {
  if (thrown instanceof MyFailure) return thrown
  if (thrown instanceof FileFailure) return new MyFailure(...files[thrown.kind])
  if (thrown === full) return new MyFailure(10_028, '文件夹超过 50M')
  if (thrown === broken) return new MyFailure(3, '文件写入失败')
  return new MyFailure(2, '接口参数无效')
}

const files: Readonly<Record<FileFailureKind, readonly [error: number, words: string]>> = {
  missing: [10_022, '文件/目录不存在'],
  exists: [10_025, '文件或目录已存在'],
  denied: [10_024, '指定的路径没有写权限'],
  invalid: [2, '接口参数无效'],
  folder: [10_025, '指定路径是一个已经存在的目录'],
  tooLarge: [10_028, '单个文件超过 10M'],
}
