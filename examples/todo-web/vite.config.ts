import { defineConfig } from 'vite'

/** The packages are taken as `tsc -b` left them in their `dist`; `pnpm run build` at the root does both. */
export default defineConfig({
  build: { target: 'es2022', sourcemap: true },
})
