import { nodeResolve } from '@rollup/plugin-node-resolve'
import { transform } from 'esbuild'
import { type Plugin, rollup } from 'rollup'
import { minify as pack } from 'terser'
import { fileOf, requiredWhenUsed } from './apart.ts'
import { inHosts, notInHosts } from './in-hosts.ts'
import { plainPrivate, privatePrefix } from './plain-private.ts'
import { seldomApart } from './seldom.ts'
import { seldomCalled, seldomCalledBy } from './seldom-called.ts'
import { sentencesApart } from './words.ts'

/** A file of the published build. */
export interface BuiltFile {
  readonly name: string
  readonly code: string
}

/**
 * What is built, by folder of the package: `miniprogram` in package.json names WeChat's; Alipay's is found by the name
 * `@nearcloud/miniprogram/alipay`.
 */
export const entries = { 'dist/miniprogram': 'index.ts', alipay: 'alipay/index.ts' } as const

/**
 * What mini programs load: `index.js`, all of the client in one CommonJS file, and beside it what is loaded when it is first
 * needed. Syntax of ES2018: what the oldest phones know that hosts still run on.
 */
export async function build(entry: string): Promise<readonly BuiltFile[]> {
  const built: BuiltFile[] = []
  let mangleCache: Record<string, string | false> = {}
  const add = async (name: string, code: string, last = (lowered: string) => lowered) => {
    const lowered = await lower(code, mangleCache)
    mangleCache = lowered.mangleCache
    built.push({ name, code: await minify(last(lowered.code)) })
  }
  const isSeldom = new Set([seldomCalled, ...seldomCalledOn(entry)].flatMap(namesOf))
  for (const { name, code } of await bundled(entry)) {
    if (name !== 'index.js') await add(name, code)
    else {
      const { code: often, seldom: seldomSaid } = seldomApart(code, name => isSeldom.has(name))
      await add(name, often, lowered => {
        const { code: left, words } = sentencesApart(lowered)
        built.push({ name: 'words.js', code: words })
        return left
      })
      await add('seldom.js', seldomSaid)
    }
  }
  return built
}

/** The same files for reading: as they are written, and `index.js` with what is seldom called. */
export async function bundled(entry: string): Promise<readonly BuiltFile[]> {
  const bundle = await rollup({
    input: { index: entry },
    plugins: [inHosts, typescript, nodeResolve({ exportConditions: ['source'], extensions: ['.ts', '.js'] })],
    // what the parts loaded later share with it is in the one file
    preserveEntrySignatures: 'allow-extension',
    onwarn({ code, message }) {
      if (code !== 'CIRCULAR_DEPENDENCY' && code !== 'CIRCULAR_CHUNK') throw new Error(message)
    },
  })
  let files: ((id: string) => string | undefined) | undefined
  const { output } = await bundle.generate({
    format: 'cjs',
    exports: 'named',
    esModule: true,
    // an entry of another package has its name of it
    chunkFileNames: ({ facadeModuleId }) =>
      facadeModuleId?.endsWith('/text/src/client/index.ts') ? 'text.js' : '[name].js',
    generatedCode: 'es2015',
    interop: 'default',
    minifyInternalExports: true,
    hoistTransitiveImports: false,
    onlyExplicitManualChunks: true,
    manualChunks(id, { getModuleInfo }) {
      files ??= fileOf(entry, getModuleInfo)
      return files(id)
    },
  })
  await bundle.close()
  return output.map(chunk => {
    if (chunk.type !== 'chunk') throw new Error(`the build has an asset ${chunk.fileName}`)
    return { name: chunk.fileName, code: plainPrivate(requiredWhenUsed(chunk.code)) }
  })
}

const seldomCalledOn = (entry: string) =>
  Object.entries(seldomCalledBy).flatMap(([name, names]) => (entry.endsWith(`src/${name}`) ? [names] : []))

const namesOf = (list: Readonly<Record<string, string>>) =>
  Object.entries(list).flatMap(([owner, members]) =>
    members.split(' ').map(member => (owner === '' ? member : `${owner}.${member}`)),
  )

const typescript: Plugin = {
  name: 'typescript',
  async transform(code, id) {
    if (!id.endsWith('.ts')) return undefined
    const plain = await transform(code, { loader: 'ts', target: 'es2022', sourcemap: true, sourcefile: id })
    return { code: plain.code, map: plain.map }
  },
}

async function lower(code: string, mangleCache: Record<string, string | false>) {
  return transform(code, {
    // fields are assigned, not defined: nothing here overrides one
    loader: 'ts',
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, target: 'es2022' } },
    target: 'es2018',
    minify: true,
    format: 'cjs',
    charset: 'utf8',
    legalComments: 'none',
    mangleProps: new RegExp(`^${privatePrefix.replace('$', '\\$')}`),
    mangleCache,
    define: notInHosts,
  }) as Promise<{ code: string; mangleCache: Record<string, string | false> }>
}

/** What a second look finds: functions and values that are used once, and what follows from them. */
async function minify(code: string): Promise<string> {
  const { code: minified } = await pack(code, {
    toplevel: true,
    compress: { ecma: 2018 },
    format: { ecma: 2018 },
  })
  return minified!
}
