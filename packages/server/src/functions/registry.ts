import { join } from 'node:path'
import type { Clock, Millis } from '@nearcloud/protocol'
import { readFunctionConfig } from './function-config.ts'
import {
  type FunctionFolder,
  isBeingWritten,
  readFunctionFolder,
  readFunctionFolders,
} from './function-folder.ts'
import { readRuntimeConfig } from './runtime-config.ts'
import { type FunctionCode, WarmFunction, type WarmOptions } from './warm-function.ts'

/** The functions of a folder, as its files say at the moment of asking. */
export class Registry {
  readonly #root: string | undefined
  readonly #optionsFor: (folder: FunctionFolder) => WarmOptions
  readonly #clock: Clock
  readonly #functions = new Map<string, WarmFunction>()
  readonly #lookedAt = new Map<string, Millis>()
  #lookedAround: Millis = Number.NEGATIVE_INFINITY
  /** Another one when a function came, went, or changed. */
  revision = 0

  /** Throws SERVER_CONFIGURATION when a function's `config.json` cannot be used. */
  constructor(root: string | undefined, clock: Clock, optionsFor: (folder: FunctionFolder) => WarmOptions) {
    this.#root = root
    this.#clock = clock
    this.#optionsFor = optionsFor
    if (root !== undefined) for (const folder of readFunctionFolders(root)) this.#place(folder)
  }

  /** Those found when it was last looked. */
  list(): readonly FunctionCode[] {
    return [...this.#functions.values()].map(known => known.code)
  }

  /**
   * The function of that name with the code that lies in its folder now (or lay there 20 ms ago); undefined when there is none. Throws
   * SERVER_CONFIGURATION when its `config.json` cannot be used.
   */
  find(name: string): WarmFunction | undefined {
    if (this.#root === undefined) return undefined
    const known = this.#functions.get(name)
    const now = this.#clock.now()
    if (known && Math.abs(now - (this.#lookedAt.get(name) ?? 0)) < lookEveryMs) return known
    this.#lookedAt.delete(name)
    const folder = readFunctionFolder(this.#root, name)
    if (
      known &&
      folder &&
      folder.fingerprint !== known.code.folder.fingerprint &&
      isBeingWritten(folder, now)
    )
      return known
    if (folder) {
      const placed = this.#place(folder)
      this.#lookedAt.set(name, now)
      return placed
    }
    void known?.close(closeGraceMs)
    if (this.#functions.delete(name)) this.revision++
    return undefined
  }

  /** Names of functions that are not known yet, looked for once a second at most. */
  newNames(): readonly string[] {
    const now = this.#clock.now()
    if (this.#root === undefined || Math.abs(now - this.#lookedAround) < lookAroundEveryMs) return []
    this.#lookedAround = now
    return readFunctionFolders(this.#root)
      .map(({ name }) => name)
      .filter(name => !this.#functions.has(name))
  }

  /** Resolves when nobody has written to the function's files for a moment, or after two seconds. */
  async settled(name: string): Promise<void> {
    if (this.#root === undefined) return
    const until = this.#clock.now() + settleLimitMs
    for (;;) {
      const now = this.#clock.now()
      const known = this.#functions.get(name)
      if (known && Math.abs(now - (this.#lookedAt.get(name) ?? 0)) < lookEveryMs) return
      const folder = readFunctionFolder(this.#root, name)
      const isNew = folder && folder.fingerprint !== known?.code.folder.fingerprint
      if (!isNew || !isBeingWritten(folder, now) || now > until) return
      await new Promise<void>(resolve => this.#clock.after(lookEveryMs, resolve))
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#functions.values()].map(known => known.close(closeGraceMs)))
  }

  #place(folder: FunctionFolder): WarmFunction {
    const known = this.#functions.get(folder.name)
    if (known?.code.folder.fingerprint === folder.fingerprint) return known
    const file = join(folder.path, 'config.json')
    const code = { folder, config: readFunctionConfig(file), runtime: readRuntimeConfig(file) }
    known?.replace(code)
    const placed = known ?? new WarmFunction(code, this.#optionsFor(folder))
    this.#functions.set(folder.name, placed)
    this.revision++
    return placed
  }
}

/** What runs when the server stops may finish within this. */
const closeGraceMs = 2_000
/** Looking at the files costs more than a call. */
const lookEveryMs = 20
const lookAroundEveryMs = 1_000
const settleLimitMs = 2_000
