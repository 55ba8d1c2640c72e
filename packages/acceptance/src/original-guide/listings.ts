import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * The original's guide is not part of this repository: it is kept beside it, or where NEARCLOUD_GUIDE says. What the guide shows is
 * taken from there and run as it is.
 */
const beside = fileURLToPath(new URL('../../../../../shared/spec', import.meta.url))

function find(): string | undefined {
  const { NEARCLOUD_GUIDE: named } = process.env
  if (named !== undefined) return named
  const texts = existsSync(beside) ? readdirSync(beside).filter(name => name.endsWith('.txt')) : []
  return texts.map(name => join(beside, name)).find(path => readFileSync(path, 'utf8').includes('wx.cloud'))
}

const path = find()
const text = path !== undefined && existsSync(path) ? readFileSync(path, 'utf8') : undefined

/** Is the guide there? */
export const hasGuide = text !== undefined
if (!hasGuide)
  console.info('the original’s guide is not there (NEARCLOUD_GUIDE names it): its listings are not run')

/** The code of its listings in JavaScript, as they are written. */
export function listings(): readonly string[] {
  const fences = [...text!.matchAll(/^( *)```javascript\n([\s\S]*?)^ *```$/gm)]
  return fences.map(([, indent, code]) => code!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
}

/** By the names here: each mark tells one listing from all others. What no mark tells is `unknown`. */
export function named(
  codes: readonly string[],
  marks: Readonly<Record<string, RegExp>>,
): ReadonlyMap<string, string> {
  const nameOf = (code: string) => Object.entries(marks).find(([, mark]) => mark.test(code))?.[0] ?? 'unknown'
  return new Map(codes.map(code => [nameOf(code), code]))
}

/** Where the code of a function begins in a listing: one begins with what an app says. */
export const functionStart = "const cloud = require('wx-server-sdk')"

/** The rules it shows: two of a collection, two of files. */
export function rules(): readonly object[] {
  return [...text!.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json]) => JSON.parse(json!))
}
