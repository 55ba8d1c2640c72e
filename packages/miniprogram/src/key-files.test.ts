import { expect, test } from 'vitest'
import { myHost } from './my-host.ts'
import { MyPhone } from './testing/index.ts'

const folder = 'keys:/nearcloud/app'
const launched = (phone: MyPhone) => myHost(phone.launch()).files
const withoutFiles = () => new MyPhone({ without: ['getFileSystemManager'] })

/** What is kept beside the names of files. */
const parts = ({ disk }: MyPhone) => [...disk.keys].filter(([key]) => key.startsWith('nearcloud-part/'))

test('[MP-37] texts and bytes come back, in values of at most 200 KB, whatever their letters', async () => {
  const phone = withoutFiles()
  const files = launched(phone)
  const text = '牛奶😀\n'.repeat(60_000)
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i & 255)
  await files.write(`${folder}/t`, text)
  await files.write(`${folder}/b`, bytes)
  for (let i = 0; i < 5; i++) await files.append(`${folder}/t`, '好'.repeat(25_000))
  for (const [, value] of phone.disk.keys) expect(Buffer.byteLength(value)).toBeLessThanOrEqual(204_800)
  const again = launched(phone)
  expect(await again.readText(`${folder}/t`)).toBe(text + '好'.repeat(125_000))
  expect(await again.readBytes(`${folder}/b`)).toEqual(bytes)
  expect([...(await again.list(folder))].sort()).toEqual(['b', 't'])
  await again.remove(`${folder}/t`)
  await again.remove(`${folder}/b`)
  await again.remove(`${folder}/none`)
  expect(phone.disk.keys.size).toBe(0)
})

test('[MP-37] killed at any step of a change, a file is as before or as after, and what was left over is gone at the next beginning', async () => {
  const changes = [
    (files: ReturnType<typeof launched>) => files.write(`${folder}/a`, 'new'),
    (files: ReturnType<typeof launched>) => files.append(`${folder}/a`, 'new'),
    (files: ReturnType<typeof launched>) => files.rename(`${folder}/a`, `${folder}/b`),
    (files: ReturnType<typeof launched>) => files.remove(`${folder}/a`),
  ]
  const states = new Set<string>()
  for (const [at, change] of changes.entries())
    for (let step = 1; step <= 4; step++)
      for (const torn of ['none', 'all'] as const) {
        const phone = withoutFiles()
        const files = launched(phone)
        await files.write(`${folder}/a`, 'old')
        phone.disk.faultAt(step, { kind: 'stop', torn })
        await Promise.race([
          change(files).catch(() => undefined),
          new Promise<void>(resolve => phone.whenKilled(resolve)),
        ])
        phone.disk.clearFault()
        const again = launched(phone)
        const names = [...(await again.list(folder))].sort()
        const texts = await Promise.all(names.map(name => again.readText(`${folder}/${name}`)))
        states.add(`${at} ${names.join('+')} ${texts.join('+')}`)
        expect(parts(phone).length).toBe(new Set(texts).size)
        for (const name of names) await again.remove(`${folder}/${name}`)
        expect(phone.disk.keys.size, `change ${at}, step ${step}, ${torn}`).toBe(0)
      }
  expect([...states].sort()).toEqual([
    '0 a new',
    '0 a old',
    '1 a old',
    '1 a oldnew',
    '2 a old',
    '2 a+b old+old',
    '2 b old',
    '3  ',
    '3 a old',
  ])
})
