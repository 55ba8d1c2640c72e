const { default: uni } = require('@dcloudio/vite-plugin-uni')

/** Where `pnpm start` in the project's root says its server is. On a phone: an address that is registered for the mini program. */
const endpoint = process.env.ENDPOINT ?? 'http://127.0.0.1:4321'

module.exports = {
  plugins: [uni()],
  define: { ENDPOINT: JSON.stringify(endpoint) },
  build: {
    // as the package itself: what the oldest phones know that hosts still run on
    target: 'es2018',
    // in this repository the package is a folder beside, not in node_modules, where Vite expects CommonJS
    commonjsOptions: { include: [/node_modules/, /packages\/miniprogram/] },
  },
}
