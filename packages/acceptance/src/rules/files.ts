import { createHash } from 'node:crypto'
import type { Check, Fuzz } from './fuzz.ts'
import type { Listener } from './listener.ts'
import { mayTouchFile } from './oracle.ts'
import { Leak } from './watch.ts'
import { paths } from './world.ts'

export function files(fuzz: Fuzz, listener: Listener, underWay: Promise<unknown>[]): Check {
  const { world } = fuzz
  const path = world.dice.pick(paths)
  const fileID = `cloud://default.nearcloud/${path}`
  const id = ++fuzz.asks
  const known = world.files.get(path)
  const may = (act: 'read' | 'write', file: { path: string; openid: string | null }) =>
    world.watch.moments.map(moment => mayTouchFile(moment, listener.asker, act, file))
  const bytes = new TextEncoder().encode(`${path} ${id}`)
  const kind = world.dice.below(4)
  fuzz.count(kind === 0 ? 'uploads' : kind === 1 ? 'file removals' : 'file addresses')
  // who is in the middle of it would be asked by two judges
  if (underWay.some(each => each instanceof Touching)) return () => {}
  const ask =
    kind === 0
      ? {
          ...{ verb: 'upload', path, size: bytes.length, contentType: 'text/plain' },
          sha256: createHash('sha256').update(bytes).digest('hex'),
        }
      : kind === 1
        ? { verb: 'delete', files: [fileID] }
        : { verb: 'urls', files: [{ fileID }] }
  listener.say({ type: 'files', id, ask } as never)
  const asking = Touching.resolve(listener.until(() => listener.answers.has(id) || !listener.isOpen))
  underWay.push(asking)
  return async () => {
    const answer = listener.answers.get(id)
    if (!answer) {
      // sent away in the middle: whether it is gone nobody says
      if (kind === 1) await isThere(fuzz, path)
      return
    }
    if (kind === 0) {
      const file = { path, openid: known ? known.openid : listener.asker.openid }
      fuzz.agree(answer.error === undefined, may('write', file), `${path} is stored`)
      if (answer.error) return
      const { uploadUrl } = answer.result as { uploadUrl: string }
      const response = await fetch(`${world.server.url}${uploadUrl}`, {
        ...{ method: 'PUT', body: bytes },
        headers: { 'upload-offset': '0' },
      })
      // it belongs to whoever uploaded it last
      if (response.ok) world.files.set(path, { path, openid: listener.asker.openid })
      fuzz.agree(response.ok, [mayTouchFile(world.moment, listener.asker, 'write', file)], `${path} is whole`)
      return
    }
    const [item] = (answer.result as { fileList: { status: number; tempFileURL?: string }[] }).fileList
    if (!known) {
      if (item!.status !== -503003) throw new Leak(`a file that is not there: ${JSON.stringify(answer)}`)
      return
    }
    if (kind === 1) {
      fuzz.agree(item!.status === 0, may('write', known), `${path} is deleted`)
      if (item!.status === 0) world.files.delete(path)
      // who may not even read it is not told that it is there
      if (item!.status === -503002) fuzz.agree(true, may('read', known), `${path} is known`)
      return
    }
    fuzz.agree(item!.status === 0, may('read', known), `${path} is shown`)
    if (
      item!.status === 0 &&
      !(await (await fetch(item!.tempFileURL!.replace(/^(?=\/)/, world.server.url))).text()).startsWith(path)
    )
      throw new Error(`${path} is not what was stored`)
  }
}

export async function isThere(fuzz: Fuzz, path: string): Promise<void> {
  const query = {
    collection: '_files',
    where: ['field', 'path', ['eq', path]] as const,
    orderBy: [],
    skip: 0,
  }
  const { documents } = await fuzz.world.server.executorFor({ kind: 'admin' }).run({ verb: 'get', query })
  if (documents.length === 0) fuzz.world.files.delete(path)
}
/** A promise about a file. */
class Touching<T> extends Promise<T> {}
