import { parse } from 'acorn'
import { analyze } from 'eslint-scope'
import type { GetModuleInfo } from 'rollup'

/**
 * What a first query, watch, write and conversation do without, by the file it is put in: the source says `import` and calls it
 * like anything else, and the file is required when that call is made.
 */
export const apart: Readonly<Record<string, RegExp>> = {
  regexps: /query\/src\/regex\//,
  places: /query\/src\/(geo\/|geo-near|parse\/parse-geo|match\/tests\/(areas|nearness)|builder\/geo-tests)/,
  computing:
    /query\/src\/(builder\/(aggregate|aggregate-command|expression-from)|parse\/parse-expression)\.ts|sync\/src\/aggregation/,
  merging: /query\/src\/merge\/(places|elements)\.ts/,
  ordered: /store\/src\/(ordered-index|sorted-list)\.ts/,
  batches: /query\/src\/builder\/batch\.ts/,
  inventories: /protocol\/src\/(inventory|digest)\.ts/,
  transfers: /client\/src\/transfer-task\.ts|protocol\/src\/content-type/,
  pieces: /protocol\/src\/long-frame\.ts|sync\/src\/long-messages\.ts|store\/src\/watch-in-pieces\.ts/,
  rooms: /sync\/src\/rooms\/presence|client\/src\/(room|editor-room)\.ts/,
  pages: /miniprogram\/src\/(bind|page-paths)\.ts/,
}

/** The file for a module of the build; undefined for what is loaded by `import()` alone. */
export function fileOf(entry: string, getModuleInfo: GetModuleInfo): (id: string) => string | undefined {
  const begins = new Set<string>()
  const visit = (id: string) => {
    if (begins.has(id)) return
    begins.add(id)
    for (const imported of getModuleInfo(id)?.importedIds ?? []) visit(imported)
  }
  visit(entry)
  return id => {
    if (!begins.has(id)) return undefined
    const [name] = Object.entries(apart).find(([, modules]) => modules.test(id)) ?? ['index']
    return name
  }
}

/** Has what is apart required where it is first used, not at the beginning. Throws where the beginning itself uses it. */
export function requiredWhenUsed(code: string): string {
  const ast = parse(code, { ecmaVersion: 'latest', sourceType: 'script', ranges: true })
  const { globalScope } = analyze(ast as never, { ecmaVersion: 2022, sourceType: 'script' })
  const edits: { readonly range: readonly [number, number]; readonly text: string }[] = []
  for (const { name, defs, references } of globalScope!.variables) {
    const [def] = defs
    if (def?.type !== 'Variable' || !def.node.init?.range) continue
    const asked = code.slice(...def.node.init.range)
    if (!Object.keys(apart).some(file => asked === `require('./${file}.js')`)) continue
    edits.push({
      range: (def.parent as unknown as { range: [number, number] }).range,
      text: `let ${name}$here; const ${name} = () => ${name}$here || (${name}$here = ${asked});`,
    })
    for (const { identifier, from, init: isDeclaration } of references) {
      if (isDeclaration) continue
      const [start, end] = identifier.range!
      if (from.variableScope.type === 'global')
        throw new Error(`the beginning itself uses ${code.slice(start, end + 40)} of ${asked}`)
      // in brackets: `new part.Name()` makes a Name
      edits.push({ range: [start, end], text: `(${name}())` })
    }
  }
  const parts: string[] = []
  let at = 0
  for (const { range, text } of edits.sort((a, b) => a.range[0] - b.range[0])) {
    parts.push(code.slice(at, range[0]), text)
    at = range[1]
  }
  return parts.join('') + code.slice(at)
}
