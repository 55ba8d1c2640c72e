import type { Edge, EdgeKind, Graph } from './graph.ts'
import type { AnomalyName } from './transaction.ts'

export interface Cycle {
  readonly name: AnomalyName
  /** Each node with the kind of its edge to the next; the last one's leads back to the first. */
  readonly path: readonly (readonly [node: number, kind: EdgeKind])[]
}

const bases: readonly (readonly [name: 'G0' | 'G1c' | 'G-single' | 'G2', kinds: readonly EdgeKind[]])[] = [
  ['G0', ['ww']],
  ['G1c', ['ww', 'wr']],
  ['G-single', ['ww', 'wr']],
  ['G2', ['ww', 'wr', 'rw']],
]
const orders: readonly (readonly [suffix: '' | '-session' | '-realtime', kinds: readonly EdgeKind[]])[] = [
  ['', []],
  ['-session', ['session']],
  ['-realtime', ['session', 'realtime']],
]

/**
 * Cycles, each by the strongest name it has: one for each set of nodes that reach each other. What explains a set is not looked for
 * again with more kinds of edges. `isTransaction`: other nodes are moments.
 */
export function cyclesIn(graph: Graph, isTransaction: (node: number) => boolean): Cycle[] {
  const cycles: Cycle[] = []
  const explained = new Set<number>()
  for (const [suffix, more] of orders)
    for (const [base, kinds] of bases) {
      const along = new Set<EdgeKind>([...kinds, ...more])
      const isSingle = base === 'G-single'
      const within = isSingle ? new Set<EdgeKind>([...along, 'rw']) : along
      for (const component of components(graph, within)) {
        if ([...component].some(node => explained.has(node))) continue
        const path = isSingle
          ? throughOne(graph, component, along)
          : shortestCycle(graph, component, along, base === 'G2' ? 'rw' : undefined)
        if (!path) continue
        cycles.push({ name: `${base}${suffix}`, path })
        for (const [node] of path) if (isTransaction(node)) explained.add(node)
      }
    }
  return cycles
}

/** With one `rw` edge, and others of `along`. */
function throughOne(graph: Graph, component: ReadonlySet<number>, along: ReadonlySet<EdgeKind>) {
  return shortest(component, function* (node) {
    for (const { to, kind } of graph[node]!) {
      if (kind !== 'rw' || !component.has(to)) continue
      const back = pathFrom(graph, to, node, component, along)
      if (back) yield [[node, kind] as const, ...back]
    }
  })
}

/** Along these edges; with `needed`, through at least one such. */
function shortestCycle(
  graph: Graph,
  component: ReadonlySet<number>,
  along: ReadonlySet<EdgeKind>,
  needed: EdgeKind | undefined,
) {
  return shortest(component, function* (node) {
    for (const { to, kind } of graph[node]!) {
      if (!component.has(to) || !along.has(kind) || (needed !== undefined && kind !== needed)) continue
      const back = pathFrom(graph, to, node, component, along)
      if (back) yield [[node, kind] as const, ...back]
    }
  })
}

function shortest(
  component: ReadonlySet<number>,
  pathsAt: (node: number) => Iterable<Cycle['path']>,
): Cycle['path'] | undefined {
  let best: Cycle['path'] | undefined
  let looked = 0
  for (const node of component) {
    for (const path of pathsAt(node)) if (!best || path.length < best.length) best = path
    if (best && ++looked >= mostLooked) break
  }
  return best
}

/** In a large tangle any short cycle will do. */
const mostLooked = 50

/** The shortest way, by breadth. */
function pathFrom(
  graph: Graph,
  from: number,
  to: number,
  within: ReadonlySet<number>,
  along: ReadonlySet<EdgeKind>,
): Cycle['path'] | undefined {
  const cameBy = new Map<number, { readonly node: number; readonly kind: EdgeKind }>()
  const waiting = [from]
  for (const node of waiting) {
    if (node === to) {
      const path: (readonly [number, EdgeKind])[] = []
      for (let at = to; at !== from; at = cameBy.get(at)!.node)
        path.unshift([cameBy.get(at)!.node, cameBy.get(at)!.kind])
      return path
    }
    for (const edge of graph[node]!)
      if (along.has(edge.kind) && within.has(edge.to) && edge.to !== from && !cameBy.has(edge.to)) {
        cameBy.set(edge.to, { node, kind: edge.kind })
        waiting.push(edge.to)
      }
  }
  return undefined
}

/** Sets of two nodes and more that reach each other along these edges (Tarjan's way, without recursion). */
function components(graph: Graph, along: ReadonlySet<EdgeKind>): Set<number>[] {
  const found: Set<number>[] = []
  const index = new Int32Array(graph.length).fill(-1)
  const low = new Int32Array(graph.length)
  const isOpen = new Uint8Array(graph.length)
  const open: number[] = []
  let count = 0
  for (let root = 0; root < graph.length; root++) {
    if (index[root] !== -1) continue
    const work: { readonly node: number; at: number }[] = [{ node: root, at: 0 }]
    while (work.length > 0) {
      const top = work.at(-1)!
      const { node } = top
      if (top.at === 0) {
        index[node] = low[node] = count++
        open.push(node)
        isOpen[node] = 1
      }
      const edge: Edge | undefined = graph[node]![top.at++]
      if (edge) {
        if (!along.has(edge.kind)) continue
        if (index[edge.to] === -1) work.push({ node: edge.to, at: 0 })
        else if (isOpen[edge.to]) low[node] = Math.min(low[node]!, index[edge.to]!)
        continue
      }
      work.pop()
      const parent = work.at(-1)?.node
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[node]!)
      if (low[node] !== index[node]) continue
      const component = new Set(open.splice(open.lastIndexOf(node)))
      for (const each of component) isOpen[each] = 0
      if (component.size > 1) found.push(component)
    }
  }
  return found
}
