const { default: uni } = require('@dcloudio/vite-plugin-uni')

/** Where `pnpm start` in the project's root says its server is. On a phone: an address that is registered for the mini program. */
const endpoint = process.env.ENDPOINT ?? 'http://127.0.0.1:4321'
const isPage = process.env.UNI_PLATFORM === 'h5'

/** In this repository packages are folders that others link to: each is one for all of them. */
const linkedPackages = {
  name: 'linked-packages',
  enforce: 'post',
  config: () => ({ resolve: { preserveSymlinks: !isPage } }),
}

module.exports = {
  plugins: [uni(), linkedPackages],
  define: { ENDPOINT: JSON.stringify(endpoint) },
  build: {
    // as the package for mini programs itself: what the oldest phones know that hosts still run on
    target: isPage ? 'es2022' : 'es2018',
    // here that package is a folder beside, not in node_modules, where Vite expects CommonJS
    commonjsOptions: { include: [/node_modules/, /packages\/miniprogram/] },
  },
}
