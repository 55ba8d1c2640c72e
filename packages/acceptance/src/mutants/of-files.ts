import { mutant, seenIn } from './mutant.ts'

const uploads = 'client/src/uploads.ts'
const upload = 'client/src/upload.ts'
const queue = 'client/src/upload-queue.ts'
const push = 'sync/src/push.ts'
const held = 'sync/src/held.ts'
const onServer = 'server/src/files/upload.ts'
const blobs = 'server/src/files/disk-blobs.ts'

/** Files on their way, and writes that wait for them. */
export const ofFiles = [
  mutant('client: a file leaves the queue before the server has it', [
    uploads,
    'if (outcome) await this.#settle(file, outcome.error)',
    'if (outcome) await this.#settle(file, outcome.error)\n    else if (sync.state !== "online") await queue.remove(file)',
  ]),
  mutant('client: a connection that breaks refuses the file', [
    upload,
    'const lasting: ReadonlySet<string> = new Set([\n',
    "const lasting: ReadonlySet<string> = new Set([\n  'OFFLINE',\n",
  ]),
  mutant('client: what a refused file held is sent without it', [
    upload,
    '    .refuse(text => isNamed(fileID, text), refusal)\n',
    '    .refuse(text => isNamed(fileID, text) && text === "", refusal)\n',
  ]),
  mutant('sync: what names a file does not wait for it', [
    push,
    'if (this.#isHeld(text)) {',
    'if (this.#isHeld(text) && texts.length > 0) {',
  ]),
  mutant('sync: what was refused with a file is lost', [
    held,
    'await push.pausedFor(() => store.confirm({ rejected: dated, closeUp: true }))',
    'await push.pausedFor(() => store.confirm({ rejected: dated, closeUp: true, discarded: dated.flatMap(({ id }) => pending.get(id)?.nonce ?? []) }))',
  ]),
  mutant('sync: what comes behind a refused write keeps its number', [
    held,
    '{ rejected: dated, closeUp: true }',
    '{ rejected: dated }',
  ]),
  mutant('client: bytes of a file are stored behind its intent', [
    queue,
    '    pieces.push(JSON.stringify(intent))\n    return',
    '    pieces.unshift(JSON.stringify(intent))\n    return',
  ]),
  mutant('server: bytes of a file are not synced', [blobs, '      await file.sync()\n', '']),
  mutant('server: the name of a file is not synced', [blobs, '    await this.#disk.syncFolder(shelf)\n', '']),
  mutant('server: the shelf of a file is not synced', [
    blobs,
    "if (!this.#syncedShelves.has(shelf)) await this.#disk.syncFolder(join(shelf, '..'))",
    "if (this.#syncedShelves.has(shelf)) await this.#disk.syncFolder(join(shelf, '..'))",
  ]),
  mutant('server: bytes that no record names stay', [
    blobs,
    'if (named.has(key)) continue',
    'if (named.has(key) || key !== "") continue',
  ]),
  mutant('server: bytes that a record names are swept', [blobs, 'if (named.has(key)) continue', '']),
  seenIn(
    'copies with files',
    mutant('sync: a store that was set back does what it did under another number', [
      'sync/src/greeting.ts',
      'numbers.get(nonce)',
      '(numbers.get(nonce) === id ? id : 0)',
    ]),
  ),
  mutant('server: the nonce of an upload is forgotten', [
    onServer,
    'const made = nonce === undefined ? [] : await this.#made.remembering(openid, nonce, whatOf(ticket))',
    'const made = [] as const',
  ]),
  mutant('client: the nonce of an upload is not kept', [
    queue,
    'return { fileID, path, contentType, sha256, nonce } as',
    'return { fileID, path, contentType, sha256 } as',
  ]),
  mutant('server: a file that lost its bytes counts as there', [
    onServer,
    'return record !== undefined && (await this.#blobs.sizeOf(record.blob)) === ticket.size',
    'return record !== undefined',
  ]),
  mutant('server: what users have is not counted when it starts', [
    'server/src/files/files.ts',
    'for await (const record of records.all()) usage.count(record)',
    'for await (const record of records.all()) usage.count({ ...record, size: 0 })',
  ]),
] as const
