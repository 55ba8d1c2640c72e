import type { CloudError } from '@nearcloud/protocol'
import { pathsBetween } from './page-paths.ts'

/** A page or component of a mini program, as far as it is used. */
export interface BoundPage {
  setData(data: Record<string, unknown>): void
  /** Called by the host when the page goes; bindings end with it. */
  onUnload?: unknown
}

/** A query or a document of the database. */
export interface Bindable {
  watch(options: {
    onChange(snapshot: {
      readonly docs: readonly object[]
      readonly docChanges: readonly BoundChange[]
    }): void
    onError(error: unknown): void
  }): { close(): Promise<void> }
}

interface BoundChange {
  readonly docId: string | number
}

/** `Failure`: what errors of watches are in the words of the database. */
export interface BindOptions<Failure = CloudError> {
  /** The page was told something new: for what it shows beside documents, as what waits for the server. */
  readonly onChange?: () => void
  /** A watch has ended for good; its data stays as it is. */
  readonly onError?: (error: Failure, name: string) => void
}

export interface Binding {
  /** Every name has its first data, or its error. */
  readonly ready: Promise<void>
  /** Nothing reaches the page any more. */
  close(): void
}

/**
 * Keeps data of a page in step with queries: a list by name for each query, a document or null for each document. What came at
 * once goes into one `setData`, with the fewest paths that say it. Another user of the device begins anew.
 */
export function bind(
  page: BoundPage,
  bindables: Readonly<Record<string, Bindable>>,
  options: BindOptions,
  onUserChanged: (listener: () => void) => () => void,
): Binding {
  const bound = Object.entries(bindables).map(
    ([name, what]) => new Bound(name, what, options, () => flushSoon()),
  )
  let isFlushing = false
  let isClosed = false

  function flushSoon(): void {
    if (isFlushing) return
    isFlushing = true
    void Promise.resolve().then(() => {
      isFlushing = false
      if (isClosed) return
      const data: Record<string, unknown> = {}
      for (const each of bound) Object.assign(data, each.take())
      const isNew = Object.keys(data).length > 0
      if (isNew) page.setData(data)
      for (const each of bound) each.told()
      if (isNew) options.onChange?.()
    })
  }

  const stopListening = onUserChanged(() => {
    for (const each of bound) each.begin()
  })
  const close = () => {
    if (isClosed) return
    isClosed = true
    stopListening()
    for (const each of bound) each.end()
  }
  const { onUnload } = page
  page.onUnload = function (this: unknown, ...given: unknown[]) {
    close()
    return typeof onUnload === 'function' ? onUnload.apply(this, given) : undefined
  }
  for (const each of bound) each.begin()
  return { ready: Promise.all(bound.map(({ ready }) => ready)).then(() => undefined), close }
}

/** One name of a page's data. */
class Bound {
  readonly ready: Promise<void>
  readonly #name: string
  readonly #what: Bindable
  readonly #options: BindOptions
  readonly #changed: () => void
  readonly #isOne: boolean
  #watch: { close(): Promise<void> } | undefined
  /** As the page has it. */
  #shown: readonly object[] | undefined
  /** As it is. */
  #docs: readonly object[] | undefined
  #touched = new Set<unknown>()
  #isReady: () => void = () => undefined

  constructor(name: string, what: Bindable, options: BindOptions, changed: () => void) {
    this.#name = name
    this.#what = what
    this.#options = options
    this.#changed = changed
    this.#isOne = 'id' in what
    this.ready = new Promise(resolve => {
      this.#isReady = resolve
    })
  }

  begin(): void {
    this.end()
    let isOver = false
    const watch = this.#what.watch({
      onChange: ({ docs, docChanges }) => {
        if (isOver) return
        // a first snapshot says nothing of what was shown before
        if (this.#docs === undefined || docs.length === 0) this.#shown = undefined
        for (const { docId } of docChanges) this.#touched.add(docId)
        this.#docs = docs
        this.#changed()
      },
      onError: thrown => {
        const error = thrown as CloudError
        // the next user's begins when it is there
        if (isOver || error.code === 'USER_CHANGED') return
        this.#isReady()
        this.#options.onError?.(error, this.#name)
      },
    })
    this.#watch = {
      close() {
        isOver = true
        return watch.close()
      },
    }
  }

  end(): void {
    this.#watch?.close().catch(() => undefined)
    this.#watch = undefined
    this.#docs = undefined
    this.#touched.clear()
  }

  /** What the page has to be told. */
  take(): Record<string, unknown> {
    const docs = this.#docs
    if (!docs || docs === this.#shown) return {}
    const paths = this.#isOne
      ? { [this.#name]: docs[0] ?? null }
      : pathsBetween(this.#name, this.#shown, docs, this.#touched)
    this.#shown = docs
    this.#touched.clear()
    return paths
  }

  told(): void {
    if (this.#docs) this.#isReady()
  }
}
