/** As much of PouchDB as the benchmark uses; its packages bring no types. */
declare module 'pouchdb-browser' {
  export default class PouchDB {
    constructor(name: string)
    static plugin(plugin: unknown): void
    createIndex(wish: object): Promise<unknown>
    bulkDocs(documents: readonly object[]): Promise<unknown>
    put(document: object): Promise<unknown>
    get<T>(id: string): Promise<T>
    find<T>(question: object): Promise<{ docs: T[] }>
    allDocs(options: object): Promise<{ rows: unknown[] }>
    changes(options: object): { on(event: 'change', listener: () => void): { cancel(): void } }
  }
}

declare module 'pouchdb-find' {
  const plugin: unknown
  export default plugin
}
