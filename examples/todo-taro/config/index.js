/** Where `pnpm start` in the project's root says its server is. On a phone: an address that is registered for the mini program. */
const endpoint = process.env.ENDPOINT ?? 'http://127.0.0.1:4321'

const vite = {
  name: 'todo-taro',
  config: () => ({
    build: {
      // as the package itself: what the oldest phones know that hosts still run on
      target: 'es2018',
      // in this repository the package is a folder beside, not in node_modules, where Vite expects CommonJS
      commonjsOptions: { include: [/node_modules/, /packages\/miniprogram/] },
      reportCompressedSize: false,
    },
  }),
  /** Taro 4.2 writes this file for Alipay, and with Vite stumbles over its not being there yet (NervJS/taro#17431). */
  buildStart() {
    if (process.env.TARO_ENV === 'alipay')
      this.emitFile({ type: 'asset', fileName: '.browserslistrc', source: '' })
  },
}

export default {
  projectName: 'todo-taro',
  framework: 'react',
  compiler: { type: 'vite', vitePlugins: [vite] },
  sourceRoot: 'src',
  outputRoot: process.env.OUTPUT ?? `dist/${process.env.TARO_ENV}`,
  designWidth: 750,
  jsMinimizer: 'esbuild',
  defineConstants: { ENDPOINT: JSON.stringify(endpoint) },
}
