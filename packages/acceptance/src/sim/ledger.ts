import { decodeTrusted, type Mutation, toCloudError } from '@nearcloud/protocol'
import type { Batch, JudgedFile } from '@nearcloud/server/testing'
import type { Store } from '@nearcloud/store'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { blobOf, digestOf, type FileRecord, isDecided, type Upload, wasEver } from './uploads.ts'
import { wordsOf } from './verdicts.ts'
import type { World } from './world.ts'

const idForm = /cloud:\/\/sim\.nearcloud\/([\w./]+)/g

/** Who uploaded what, and what became of it: what has to hold of it. */
export class Ledger {
  readonly #world: World
  readonly #bySha = new Map<string, Upload>()
  readonly #byPath = new Map<string, Upload[]>()
  /** What is at a path, as the server recorded it. */
  readonly #files = new Map<string, FileRecord>()
  /** All that was recorded of these bytes, ever. */
  readonly #everBySha = new Map<string, FileRecord[]>()
  /** Those whose bytes are gone, and whether the operator is told. */
  readonly #lost = new Map<string, 'untold' | 'told'>()
  /** What documents name, or ever named. */
  readonly #named = new Set<string>()
  /** Words of writes that were made while what they name was on its way. */
  readonly #waiting = new Map<string, Upload>()
  /** Writes that were refused on their device, with a file, and their words. */
  readonly undone = new Map<string, readonly string[]>()
  /** What is to happen as soon as a file waits. */
  readonly whenQueued = new Map<string, () => void>()
  #made = 0

  constructor(world: World) {
    this.#world = world
  }

  /** An app picks a file. */
  make(device: Device): Upload {
    const { dice } = this.#world
    const n = ++this.#made
    const isAlone = dice.below(4) > 0
    const path = isAlone ? `own/${n}.bin` : `all/${dice.below(3)}.bin`
    const size = dice.pick([4, 60, 200, 300, 600])
    const bytes = new Uint8Array(size + 8).fill(n % 251)
    bytes.set(new TextEncoder().encode(`${n}:`.padEnd(8)))
    const sha256 = digestOf(bytes)
    const fileID = `cloud://sim.nearcloud/${path}`
    const upload: Upload = {
      ...{ device, path, fileID, bytes, sha256, isAlone },
      ...{
        isThere: false,
        isTakenBack: false,
        refusals: new Set<string>(),
        isUnwanted: false,
        isGone: false,
        told: 'nothing',
      },
    }
    this.#bySha.set(sha256, upload)
    this.#byPath.set(path, [...(this.#byPath.get(path) ?? []), upload])
    return upload
  }

  of(sha256: string | undefined): Upload | undefined {
    return this.#bySha.get(sha256 ?? '')
  }

  /** What there is, on the server. */
  get paths(): readonly string[] {
    return [...this.#files.keys()]
  }

  /** Does a document name it, or did one ever? */
  isNamed(path: string): boolean {
    return this.#named.has(path)
  }

  /** Is it there, and its app has not heard so? */
  isUntold(path: string): boolean {
    return this.of(this.#files.get(path)?.sha256)?.told === 'nothing'
  }

  /** A write with this word names a file that is on its way from the same device. */
  named(word: string, upload: Upload): void {
    this.#world.count('write held by a file')
    this.#waiting.set(word, upload)
  }

  /** Somebody tries again what was refused: nobody waits for anything any more. */
  triesAgain(words: readonly string[]): void {
    for (const word of words) this.#waiting.delete(word)
  }

  refused(sha256: string, code: string): void {
    if (!lasting.has(code)) return
    if (code === 'STORAGE_EXCEED_AUTHORITY') this.#world.count('file refused by rules')
    if (code === 'UPLOAD_TOO_LARGE') this.#world.count('file refused by quota')
    this.#bySha.get(sha256)?.refusals.add(code)
  }

  /** The server says that it has this. */
  answered(sha256: string): void {
    const upload = this.of(sha256)
    if (!upload || this.#files.get(upload.path)?.sha256 !== sha256) return
    this.#world.check(() => this.#checkBytes(upload.path))
  }

  /** The client has told its app. */
  told(process: Process, sha256: string | undefined, error: unknown): void {
    this.#world.check(() => this.#told(process, sha256, error))
  }

  #told({ name }: Process, sha256: string | undefined, error: unknown): void {
    const upload = this.of(sha256)
    if (!upload) throw new Violation('I8', `${name} tells of a file that nobody uploaded`)
    if (error === undefined) {
      if (!wasEver(upload))
        throw new Violation('FILES', `${name}: ${upload.path} is said to be there, and never was`)
      upload.told = 'done'
      return
    }
    const { code } = toCloudError(error)
    if (code === 'ABORTED' ? upload.isUnwanted : upload.refusals.has(code)) {
      upload.told = 'refused'
      return
    }
    throw new Violation(
      'FILES',
      `${name}: ${upload.path} is given up (${code}), and the server never said so`,
    )
  }

  /** The server stores something: what is about files is so on its disk, too. */
  inspectCommit({ changes }: Batch): void {
    for (const { record } of changes) {
      if (record.collection !== '_files') continue
      const before = record.beforeText === null ? undefined : (decodeTrusted(record.beforeText) as FileRecord)
      const after = record.afterText === null ? undefined : (decodeTrusted(record.afterText) as FileRecord)
      if (!after) {
        if (!before) continue
        this.#files.delete(before.path)
        this.#lost.delete(before.path)
        if (this.#named.has(before.path)) this.#world.count('file removed that a document names')
        continue
      }
      const { path, sha256, _openid: owner } = after
      this.#everBySha.set(sha256, [...(this.#everBySha.get(sha256) ?? []), after])
      if (before?.sha256 === sha256 && before._openid !== owner && this.#world.users.isGiven(before, after)) {
        this.#files.set(path, after)
        continue
      }
      const upload = this.#bySha.get(sha256)
      if (upload && !upload.device.openids.has(String(owner)))
        this.#world.violates('USERS', `${path} of ${upload.device.name} becomes ${owner}'s`)
      if (!upload || upload.path !== path) {
        this.#world.violates('I15', `${path} becomes a file that nobody uploaded there`)
        continue
      }
      // whatever others did to its path since; bytes that were lost come once more
      const isMended = this.#files.get(path)?.sha256 === sha256 && this.#lost.has(path)
      if (upload.isThere && !isMended) this.#world.violates('I8', `${path} takes effect twice`)
      const kept = this.#world.disk.folder.durable(blobOf(after))
      if (!kept || digestOf(kept) !== sha256)
        this.#world.violates('I15', `${path} becomes a file, and its bytes are not durable`)
      upload.isThere = true
      this.#lost.delete(path)
      this.#files.set(path, after)
      this.#checkQuota(after._openid)
    }
  }

  #checkQuota(openid: string | undefined): void {
    const { userBytes } = this.#world.quota ?? {}
    if (userBytes === undefined) return
    const all = [...this.#files.values()].filter(({ _openid }) => _openid === openid)
    const bytes = all.reduce((sum, { size }) => sum + size, 0)
    if (bytes > userBytes) this.#world.violates('FILES', `${openid} has ${bytes} bytes of ${userBytes}`)
  }

  /** After whatever happened to the disk: each file has its bytes. */
  checkDisk(): void {
    for (const path of this.#files.keys()) if (!this.#lost.has(path)) this.#checkBytes(path)
  }

  #checkBytes(path: string): void {
    const record = this.#files.get(path)!
    const bytes = this.#world.disk.folder.bytes(blobOf(record))
    if (!bytes || digestOf(bytes) !== record.sha256)
      throw new Violation('I15', `${path} does not have its bytes`)
  }

  /** The server goes on from a copy of an earlier day, with the files there were. */
  setBack(): void {
    const { disk } = this.#world
    const before = new Map(this.#files)
    this.#files.clear()
    this.#lost.clear()
    const known = new Set<string>()
    for (const [key, editions] of disk.editions) {
      if (!key.startsWith('_files/')) continue
      for (const { document } of editions) if (document) known.add((document as FileRecord).sha256)
      const latest = editions.at(-1)!.document as FileRecord | null
      if (latest) this.#files.set(latest.path, latest)
    }
    for (const upload of this.#bySha.values()) {
      if (!upload.isThere || known.has(upload.sha256)) continue
      upload.isThere = false
      upload.isTakenBack = true
      this.#world.count('file set back with its server')
    }
    for (const [path, record] of this.#files)
      if (before.get(path)?.blob !== record.blob) this.#world.count('file set back with its server')
    disk.folder.setBack(
      new Map(
        [...this.#files.values()].map(record => [blobOf(record), this.#bySha.get(record.sha256)!.bytes]),
      ),
    )
  }

  /** The bytes of a file are gone, whoever did it. */
  lose(path: string): void {
    const record = this.#files.get(path)!
    this.#world.disk.folder.lose(blobOf(record))
    this.#lost.set(path, 'untold')
    this.#world.count('file lost on the disk')
  }

  /** The server says which files are damaged. */
  noted(message: string): void {
    for (const path of this.#lost.keys()) if (message.includes(`/${path}`)) this.#lost.set(path, 'told')
  }

  /** A process is about to say this: nothing in it names what is on its way from there. */
  inspectPush(process: Process, mutation: Mutation, isAgain: boolean): void {
    const text = JSON.stringify(mutation)
    if (!text.includes('cloud://')) return
    for (const [, path] of text.matchAll(idForm)) this.#named.add(path!)
    if (!isAgain && process.files?.queue.holds(text))
      this.#world.violates('HELD', `${process.name} sends ${mutation.nonce} before the file it names`)
    for (const word of wordsOf(mutation)) {
      const upload = this.#waiting.get(word)
      if (!upload || wasEver(upload) || upload.isUnwanted || upload.device.wasRestored) continue
      this.#world.violates(
        'HELD',
        `${process.name} sends ${word} which names ${upload.path}: it never was there`,
      )
    }
  }

  /** Those who waited for a file to wait go on. */
  act(): void {
    for (const { queued } of this.#world.devices)
      for (const sha256 of queued) {
        this.whenQueued.get(sha256)?.()
        this.whenQueued.delete(sha256)
      }
  }

  /** Between two steps: nothing has left the queue that was not brought, refused or taken back. */
  checkQueue(device: Device, process: Process): void {
    const { queue } = process.files!
    const now = new Set(queue.uploads.map(({ sha256 }) => sha256!))
    for (const sha256 of device.queued) {
      if (now.has(sha256)) continue
      const upload = this.#bySha.get(sha256)!
      if (!isDecided(upload))
        throw new Violation('I1', `${process.name}: ${upload.path} has left the queue, and is nowhere`)
      if (process.queued.has(sha256) && upload.told === 'nothing') process.untold.add(upload)
    }
    device.queued = now
    process.queued = now
  }

  /** This user leaves the device for good: what was undecided. */
  left(device: Device): readonly string[] {
    const waiting = [...device.queued].map(sha256 => this.#bySha.get(sha256)!)
    device.queued = new Set()
    const undecided = waiting.filter(upload => !isDecided(upload))
    for (const upload of waiting) {
      upload.isUnwanted = true
      upload.isGone = true
    }
    return undecided.map(({ path }) => `the file ${path}`)
  }

  /** Who asks to upload has it in their queue. */
  asked(process: Process, sha256: string): void {
    const upload = this.#bySha.get(sha256)
    if (upload && (upload.device.process !== process || upload.isGone))
      this.#world.violates(
        'USERS',
        `${process.name} sends ${upload.path}, which ${upload.device.name} gave away`,
      )
  }

  /** Is this write among the refused because of a file? */
  isUndone({ rejected }: Pick<Store, 'rejected'>, nonce: string): boolean {
    if (this.undone.has(nonce)) return true
    const found = rejected.find(({ mutation }) => mutation.nonce === nonce)
    const fileID = found?.details?.fileID
    if (!found || typeof fileID !== 'string') return false
    const uploads = this.#byPath.get(fileID.slice('cloud://sim.nearcloud/'.length)) ?? []
    if (!uploads.some(({ refusals }) => refusals.has(found.code)))
      throw new Violation('I8', `${nonce} is refused because of ${fileID}, which the server never refused`)
    this.#world.count('write refused with its file')
    this.undone.set(nonce, wordsOf(found.mutation))
    return true
  }

  /** What somebody has fetched is what was uploaded there, all of it. */
  checkFetched(device: Device, { fileID, bytes, mayRead }: Fetched): void {
    const upload = this.of(digestOf(bytes))
    if (upload?.fileID !== fileID || !(wasEver(upload) || upload.device === device))
      throw new Violation('I15', `${fileID} is shown with ${bytes.length} bytes that were never all of it`)
    if (upload.device === device) return
    const records = this.#everBySha.get(upload.sha256) ?? []
    if (!records.some(({ path, _openid }) => mayRead({ path, openid: _openid ?? null })))
      throw new Violation('I5', `${device.name} is given ${fileID}, which it may not read`)
  }

  /** Those that are there and not of who has the files of this user now. */
  notGiven(openid: string): readonly string[] {
    return [...this.#files.values()].filter(({ _openid }) => _openid === openid).map(({ path }) => path)
  }

  /** At rest: everything was brought or refused, told, and is where it was put. */
  checkQuiet(): void {
    this.checkDisk()
    for (const [path, state] of this.#lost)
      if (state === 'untold') throw new Violation('FILES', `${path} is lost, and the operator is not told`)
    for (const { live } of this.#world.devices) {
      if (!live?.files) continue
      const { queue } = live.files
      if (queue.size > 0) throw new Violation('I10', `${live.name}: ${queue.uploads[0]!.path} still waits`)
      for (const { told, path } of live.untold)
        if (told === 'nothing') throw new Violation('FILES', `${live.name}: nobody is told of ${path}`)
    }
  }

  /** When what is left over has been removed, there is nothing but files. */
  checkSwept(): void {
    const { folder } = this.#world.disk
    const named = new Set([...this.#files.values()].map(blobOf))
    for (const name of folder.below('/files'))
      if (!named.has(name)) throw new Violation('FILES', `${name} is left over`)
  }
}

/** What somebody fetched, and by which rules since they asked. */
interface Fetched {
  readonly fileID: string
  readonly bytes: Uint8Array
  mayRead(file: JudgedFile): boolean
}

/** What is not about the moment. */
const lasting = new Set([
  'STORAGE_EXCEED_AUTHORITY',
  'STORAGE_REQUEST_FAIL',
  'UPLOAD_TOO_LARGE',
  'INVALID_PARAM',
])
