import { Transfer } from '@nearcloud/client/testing'
import { CloudError, toCloudError, type Write } from '@nearcloud/protocol'
import type { JudgedFile } from '@nearcloud/server/testing'
import type { Deed } from './deeds.ts'
import type { Device, Process } from './device.ts'
import { deleteOne, loseOne, setBackWithFiles, trouble } from './file-misfortunes.ts'
import type { Upload } from './uploads.ts'
import type { World } from './world.ts'

/** What people do with files. */
export function uploadsOf(world: World): readonly Deed[] {
  const { dice } = world
  if (!world.hasFiles) return []
  const some = (act: (process: Process, device: Device) => void) => () => {
    const able = world.devices.filter(({ live }) => live?.files)
    if (able.length === 0) return
    const device = dice.pick(able)
    act(device.live!, device)
  }
  return [
    [600, 'upload', () => uploadSomewhere(world)],
    [120, 'name a file on its way', () => nameWaiting(world)],
    [50, 'name a file', some((process, device) => nameStored(world, process, device))],
    [70, 'abort an upload', () => abort(world)],
    [60, 'fetch a file', some((process, device) => fetchFile(world, process, device))],
    [70, 'delete a file', some((process, device) => deleteFile(world, process, device))],
  ]
}

/** What happens to files when everybody is in step, too. */
export function momentsOfFiles(world: World): readonly Deed[] {
  if (!world.hasFiles) return []
  return [
    [30, 'upload and go on', () => uploadSome(world)],
    [20, 'lose a file', () => loseOne(world)],
    [40, 'operator deletes a file', () => deleteOne(world)],
    ...(world.maySetBack ? [setBackWithFiles(world)] : []),
  ]
}

/** Several at once. */
function uploadSome(world: World): void {
  for (let i = 3 + world.dice.below(3); i > 0; i--) uploadSomewhere(world)
}

function uploadSomewhere(world: World): void {
  const able = world.devices.filter(({ live }) => live?.files)
  if (able.length === 0) return
  const device = world.dice.pick(able)
  upload(world, device.live!, device)
}

function upload(world: World, process: Process, device: Device): void {
  const { ledger, dice } = world
  if (dice.below(4) > 0) trouble(world, device)
  const made = ledger.make(device)
  const { path, bytes, fileID, sha256 } = made
  const transfer = new Transfer<never>()
  // some know the id before the file is there
  if (dice.below(2) === 0)
    ledger.whenQueued.set(sha256, () => {
      if (device.live === process) nameUpload(world, { process, device }, made)
    })
  const answer = process.files!.files.upload({ cloudPath: path, fileContent: bytes }, transfer as never)
  device.ask(process, 'upload', answer)
  answer.then(
    () => {
      // as most apps do, now that they have its id
      if (device.live === process && dice.below(3) > 0) nameFile(world, { process, device }, fileID)
    },
    thrown => {
      if (toCloudError(thrown).code.startsWith('STORE_')) world.count('file refused by client storage')
    },
  )
}

/** Somebody shows what is not on the server yet. */
function nameWaiting(world: World): void {
  const { dice, ledger, devices } = world
  const waiting = devices.flatMap(device => {
    const process = device.live
    return process?.files?.queue.uploads.map(({ sha256 }) => ({ process, device, sha256 })) ?? []
  })
  if (waiting.length === 0) return
  const { process, device, sha256 } = dice.pick(waiting)
  nameUpload(world, { process, device }, ledger.of(sha256)!)
}

function nameUpload(world: World, by: { process: Process; device: Device }, upload: Upload): void {
  const word = nameFile(world, by, upload.fileID)
  if (word !== undefined && upload.isAlone && !upload.isUnwanted && upload.told === 'nothing')
    world.ledger.named(word, upload)
}

function nameStored(world: World, process: Process, device: Device): void {
  const { paths } = world.ledger
  if (paths.length > 0)
    nameFile(world, { process, device }, `cloud://sim.nearcloud/${world.dice.pick(paths)}`)
}

/** The word of the write; undefined when it came to name nothing. */
function nameFile(
  world: World,
  { process, device }: { process: Process; device: Device },
  fileID: string,
): string | undefined {
  const { habits, refusedWords } = world
  const { writes, word } = habits.writes(world.known(process))
  const naming = writes.map((write, at): Write => (at === 0 ? withFile(write, fileID) : write))
  device.write(process, { writes: naming }, () => refusedWords.add(word))
  const [first] = naming
  return first === writes[0] || !JSON.stringify(naming).includes(word) ? undefined : word
}

function withFile(write: Write, fileID: string): Write {
  if (write.op === 'add' || write.op === 'set') return { ...write, data: { ...write.data, file: fileID } }
  if (write.op === 'update') return { ...write, changes: [...write.changes, ['file', 'set', fileID]] }
  return write
}

function abort(world: World): void {
  const waiting = world.devices.flatMap(({ live }) =>
    live?.files ? live.files.queue.uploads.map(file => ({ live, file })) : [],
  )
  if (waiting.length === 0) return
  const { live, file } = world.dice.pick(waiting)
  unwanted(world, file.sha256)
  live.expect(
    `abort ${file.path}`,
    live.files!.uploads.abort(file, new CloudError('ABORTED', { errMsg: 'the app wants it no more' })),
  )
}

function unwanted({ ledger }: World, sha256: string | undefined): void {
  const upload = ledger.of(sha256)
  if (upload) upload.isUnwanted = true
}

function fetchFile(world: World, process: Process, device: Device): void {
  const fileID = fileOf(world, process)
  if (fileID === undefined) return
  const since = world.judge.edition
  const fetched = process.files!.files.download(fileID, new Transfer<never>() as never)
  device.ask(process, 'fetch', fetched)
  const mayRead = (file: JudgedFile) =>
    [...device.openids].some(openid => world.judge.mayReadFile(openid, file, since))
  fetched.then(
    ({ tempFilePath }) => {
      const bytes = process.files!.saved.get(tempFilePath)!
      if (device.live === process)
        world.check(() => world.ledger.checkFetched(device, { fileID, bytes, mayRead }))
    },
    () => undefined,
  )
}

function deleteFile(world: World, process: Process, device: Device): void {
  const fileID = fileOf(world, process)
  if (fileID === undefined) return
  for (const file of process.files!.queue.uploads) if (file.fileID === fileID) unwanted(world, file.sha256)
  device.ask(process, 'delete a file', process.files!.files.delete([fileID]))
}

function fileOf({ dice, ledger }: World, { files }: Process): string | undefined {
  const ids = [
    ...files!.queue.uploads.map(({ fileID }) => fileID),
    ...ledger.paths.map(path => `cloud://sim.nearcloud/${path}`),
  ]
  return ids.length > 0 ? dice.pick(ids) : undefined
}
