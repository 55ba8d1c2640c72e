import { CloudError, type DocumentData, geoFromJson, normalise, type PathChange } from '@nearcloud/protocol'
import { asFields, hasOwn, joinPath } from '../paths.ts'
import { refuse } from '../refusals.ts'
import { checkChanges } from '../update/check-write.ts'
import { Command } from './logic-command.ts'
import { checkDepth, isNothing, isPlainData, refuseRawOperator } from './plain-data.ts'
import { UpdateCommand } from './update-command.ts'

/**
 * The changes that `update({ data })` means: plain objects are merged leaf by leaf, everything else replaces what is
 * there, commands do as they say. An empty object changes nothing (`_.set({})` stores one).
 *
 * Throws INVALID_PARAM, DATABASE_INVALID_OPERATOR for raw operators, VALUE_REFUSED for what cannot be stored.
 */
export function changesFrom(data: unknown, side: 'client' | 'server'): readonly PathChange[] {
  if (!isPlainData(data)) throw notAnObject(data)
  const changes: PathChange[] = []
  collect(data, '', changes, 1)
  checkChanges(changes, side)
  return changes
}

/** The fields that `add({ data })` or `set({ data })` store, commands refused. */
export function fieldsFrom(data: unknown): DocumentData {
  if (!isPlainData(data)) throw notAnObject(data)
  refuseCommands(data, 'data', 1)
  return asFields(normalise(data, { texts: true }) as DocumentData)
}

function collect(
  object: Readonly<Record<string, unknown>>,
  at: string,
  changes: PathChange[],
  depth: number,
): void {
  checkDepth('data', depth)
  for (const key of Object.keys(object)) {
    refuseRawOperator(key)
    const path = joinPath(at, key)
    const value = object[key]
    if (isNothing(value)) continue
    if (value instanceof UpdateCommand) changes.push([path, value.operator, value.argument])
    else if (value instanceof Command)
      throw refuse(`data: "${path}" has a query command, which changes nothing`)
    else if (isPlainData(value) && !geoFromJson(value)) collect(value, path, changes, depth + 1)
    else {
      refuseCommands(value, path, depth)
      changes.push([path, 'set', normalise(value, { name: `data.${path}`, texts: true })])
    }
  }
}

function refuseCommands(value: unknown, path: string, depth: number): void {
  if (value instanceof UpdateCommand || value instanceof Command)
    throw new CloudError('DATABASE_REQUEST_FAILED', {
      errMsg: `update operator complicit: a command cannot be stored (${path})`,
    })
  if (!Array.isArray(value) && !isPlainData(value)) return
  checkDepth('data', depth)
  const fields = value as Readonly<Record<string, unknown>>
  for (const key of Object.keys(fields)) {
    if (key.startsWith('$'))
      throw new CloudError('DATABASE_REQUEST_FAILED', {
        errMsg: `"${key}" in ${path} cannot be stored: no key begins with "$", and operators are said with db.command`,
      })
    refuseCommands(fields[key], joinPath(path, key), depth + 1)
  }
}

function notAnObject(data: unknown): CloudError {
  return refuse(
    `parameter.data should be object instead of ${data === null ? 'null' : Array.isArray(data) ? 'array' : typeof data};`,
  )
}

/** Throws INVALID_PARAM for data that names its own creator, which only the server does. */
export function refuseOwner(data: DocumentData): void {
  if (!hasOwn(data, '_openid')) return
  throw refuse('_openid cannot be given by a client: it is set to the user who creates the document')
}
