import type { Plugin } from 'rollup'

/*
 * What texts are made of (Yjs, lib0, y-protocols) is written for browsers and Node. It looks for what they have before it uses it, but
 * for three things, which it is given here.
 */

/** Names that no host has: whoever asks learns so when it is built. */
export const notInHosts: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...[
      'process',
      'global',
      'globalThis',
      'window',
      'self',
      'document',
      'navigator',
      'location',
      'localStorage',
    ],
    ...[
      'addEventListener',
      'TextEncoder',
      'TextDecoder',
      'Buffer',
      'btoa',
      'atob',
      'BroadcastChannel',
      'performance',
      'DOMParser',
    ],
  ].map(name => [name, 'undefined']),
)

const given: Readonly<Record<string, string>> = {
  // of a document's own id, which nobody asks for: who writes a text is told to it
  'lib0/webcrypto': `
    export const subtle = undefined
    export const getRandomValues = values => {
      for (let i = 0; i < values.length; i++) values[i] = Math.random() * 0x100000000
      return values
    }`,
  'nearcloud:intervals': `
    export function setInterval(task, ms) {
      const every = {}
      const again = () => { every.timer = setTimeout(() => { again(); task() }, ms) }
      again()
      return every
    }
    export const clearInterval = every => clearTimeout(every.timer)`,
  'nearcloud:console': `
    const quiet = () => {}
    export const console = { log: quiet, info: quiet, warn: quiet, error: quiet }`,
}

/** In place of what hosts do not have. */
export const inHosts: Plugin = {
  name: 'in-hosts',
  resolveId: id => (id in given ? `\0${id}` : undefined),
  load: id => (id.startsWith('\0') ? given[id.slice(1)] : undefined),
  transform(code, id) {
    if (id.startsWith('\0') || !id.includes('node_modules')) return undefined
    const imports = [
      ...(/\bsetInterval\(/.test(code)
        ? ["import { setInterval, clearInterval } from 'nearcloud:intervals';"]
        : []),
      ...(/\bconsole\./.test(code) ? ["import { console } from 'nearcloud:console';"] : []),
    ]
    return imports.length === 0 ? undefined : { code: imports.join('') + code, map: null }
  },
}
