/** A known weakness of a published package. */
export interface Advisory {
  readonly package: string
  /** The first version without it; undefined: none is. */
  readonly fixedIn?: string
  readonly name: string
}

/** Of packages that ours stand on, or that somebody could come to think of. Kept by hand: whoever reads of one adds it. */
export const advisories: readonly Advisory[] = [
  { package: 'ws', fixedIn: '8.17.1', name: 'CVE-2024-37890: many headers end the process' },
  { package: 'ws', fixedIn: '8.21.0', name: 'CVE-2026-48779: fragments take memory' },
  { package: 'hono', fixedIn: '4.11.7', name: 'CVE-2026-24472: private answers are cached' },
  { package: 'hono', fixedIn: '4.12.4', name: 'CVE-2026-29045: static files behind a guard' },
  { package: 'hono', fixedIn: '4.12.16', name: 'CVE-2026-44456: bodies above the limit' },
  {
    package: 'hono',
    fixedIn: '4.12.21',
    name: 'CVE-2026-47673 to CVE-2026-47676: tokens, addresses, cookies, paths',
  },
  { package: 'hono', fixedIn: '4.12.25', name: 'CVE-2026-54288: bodies longer than they say' },
  { package: '@hono/node-server', fixedIn: '1.10.1', name: 'CVE-2024-32652: a Host header that hangs' },
  { package: 'jose', fixedIn: '4.15.5', name: 'CVE-2024-28176: small tokens that unpack to large ones' },
  { package: 'vm2', name: 'CVE-2026-47140 and others: it holds nobody' },
  { package: 'expr-eval', name: 'CVE-2025-12735: expressions reach constructors' },
  { package: 'bcx-expression-evaluator', name: 'expressions reach constructors' },
  { package: 'sift', name: '$where runs code' },
  { package: 'ip', name: 'CVE-2024-29415: private addresses count as public' },
  { package: 'ssrfcheck', name: 'CVE-2026-43929: private addresses count as public' },
]

/** Those that hold for this version. A release counts as itself, what comes before it (`1.0.0-rc.1`) as older. */
export function advisoriesOf(name: string, version: string): readonly Advisory[] {
  return advisories.filter(
    each => each.package === name && (each.fixedIn === undefined || isOlder(version, each.fixedIn)),
  )
}

function isOlder(version: string, than: string): boolean {
  const [release = '', pre] = version.split(/-(.*)/s)
  const [ours, theirs] = [release, than].map(text => text.split('.').map(Number))
  for (const [at, wanted] of theirs!.entries()) {
    const here = ours![at] ?? 0
    if (here !== wanted) return !(here > wanted)
  }
  return pre !== undefined
}
