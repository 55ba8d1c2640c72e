import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')
const pages = ['docs', 'packages', 'examples']
  .flatMap(name => markdown(join(root, name)))
  .concat(
    readdirSync(root)
      .filter(name => name.endsWith('.md'))
      .map(name => join(root, name)),
  )

test.each(pages.map(page => relative(root, page)))('%s names only files that exist', page => {
  const text = readFileSync(join(root, page), 'utf8')
  const missing = filesNamedIn(text).filter(
    name => !places(join(root, page)).some(place => existsSync(join(place, name))),
  )
  expect(missing).toEqual([])
})

test.each(pages.map(page => relative(root, page)))('%s links only to what exists', page => {
  const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
    match => match[1]!,
  )
  const missing = links.filter(
    link => !/^[a-z]+:/.test(link) && !existsSync(join(dirname(join(root, page)), decodeURI(link))),
  )
  expect(missing).toEqual([])
})

test('every package says what it is, and no page is empty', () => {
  for (const name of readdirSync(join(root, 'packages')))
    expect(existsSync(join(root, 'packages', name, 'README.md')), `packages/${name}/README.md`).toBe(true)
  for (const page of pages) expect(readFileSync(page, 'utf8').length, page).toBeGreaterThan(100)
})

test('the README leads to every package, example and page of the guide', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const places = ['packages', 'examples', 'docs', 'docs/guide'].flatMap(folder =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter(entry => (folder.startsWith('docs') ? entry.isFile() : entry.isDirectory()))
      .map(entry => `${folder}/${entry.name}`),
  )
  expect(places.filter(place => !readme.includes(`](${place})`))).toEqual([])
})

/** `store/src/overlay.ts`, `packages/cli`, `src/shapes/version-1.json`: paths with a folder in them, in code quotes. */
function filesNamedIn(text: string): string[] {
  const withoutBlocks = text.replace(/^```[\s\S]*?^```/gm, '')
  return [...withoutBlocks.matchAll(/`([\w@.-]+(?:\/[\w@.-]+)+\.(?:ts|md|json|html|js|txt|sh))`/g)].map(
    match => match[1]!,
  )
}

/** Where a path may start: the page's folder, its package's sources, the root, the packages. */
function places(page: string): string[] {
  const home = /^(.*\/(?:packages|examples)\/[^/]+)\//.exec(page)?.[1]
  return [dirname(page), root, join(root, 'packages'), ...(home ? [home, join(home, 'src')] : [])]
}

function markdown(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.')) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return markdown(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}
