import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { downSchema, protocolVersion, upSchema } from './messages.ts'
import { schemaShape } from './testing/schema-shape.ts'

/*
 * shapes/version-<n>.json holds what every message of protocol version n may look like. A file is written once, in the
 * commit that raises `protocolVersion`, and never changed: older clients and servers speak it for ever.
 */
const shape = { up: schemaShape(upSchema), down: schemaShape(downSchema) }

test('[MSG-1] the messages have the shape that belongs to this protocol version', () => {
  const words = `the messages changed: raise protocolVersion to ${protocolVersion + 1} and pin the new shape`
  expect(shape, words).toEqual(pinned(protocolVersion))
})

test('[MSG-1] every earlier protocol version has its shape on file, and no later one has', () => {
  for (let version = 1; version <= protocolVersion; version++) expect(existsSync(file(version))).toBe(true)
  expect(existsSync(file(protocolVersion + 1))).toBe(false)
})

test('[MSG-1] a version is raised only for a change: the shape differs from the one before', () => {
  if (protocolVersion > 1) expect(shape).not.toEqual(pinned(protocolVersion - 1))
})

function file(version: number): URL {
  return new URL(`./shapes/version-${version}.json`, import.meta.url)
}

function pinned(version: number): unknown {
  return JSON.parse(readFileSync(file(version), 'utf8'))
}
