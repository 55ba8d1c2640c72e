import type { RxJsonSchema } from 'rxdb/plugins/core'

export interface Todo {
  readonly _id: string
  readonly title: string
  readonly done?: boolean
  readonly n?: number
  readonly owner?: string
  readonly tags?: readonly string[]
  readonly place?: { readonly room?: string; readonly shelf?: string }
}

export const todoSchema: RxJsonSchema<Todo> = {
  version: 0,
  primaryKey: '_id',
  type: 'object',
  properties: {
    _id: { type: 'string', maxLength: 100 },
    title: { type: 'string' },
    done: { type: 'boolean' },
    n: { type: 'number' },
    owner: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    place: { type: 'object', properties: { room: { type: 'string' }, shelf: { type: 'string' } } },
  },
  required: ['_id', 'title'],
}
