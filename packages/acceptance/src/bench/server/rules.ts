import { createJudge, noReads, parseRules } from '@nearcloud/server/testing'
import { cpuTimed } from '../measuring.ts'
import type { Section } from '../section.ts'

const texts = {
  owner: 'doc._openid == auth.openid',
  usual: "auth != null && (doc._openid == auth.openid || doc.public == true) && doc.state != 'gone'",
  long: "auth != null && doc.tags[0] == 'a' && doc.size >= 10 && doc.size < 1000 && (doc.kind == 'x' || doc.kind == 'y' || doc.kind == 'z') && doc.a.b.c == 1",
}

/** How many documents a second the judge looks at for one user, by rule; processor time, nothing around it. */
export const rules: Section = {
  name: 'rules',
  async run() {
    const database = Object.fromEntries(Object.entries(texts).map(([name, read]) => [name, { read }]))
    const judge = createJudge(parseRules(JSON.stringify({ database }), 'rules.json'), Date.now)
    const documents = Array.from({ length: 1_000 }, (_, n) => ({
      _id: `d${n}`,
      _openid: n % 3 === 0 ? 'alice' : 'bert',
      public: n % 2 === 0,
      state: 'open',
      tags: ['a', 'b'],
      size: 10 + (n % 900),
      kind: 'z',
      a: { b: { c: 1 } },
    }))
    const actor = { kind: 'user', openid: 'alice' } as const
    const absolute: Record<string, number> = {}
    for (const name of Object.keys(texts)) {
      let seen = 0
      const pass = () => {
        for (const document of documents) if (judge.mayRead(actor, name, document, noReads)) seen++
      }
      for (let n = 0; n < 100; n++) pass()
      const passes = 500
      const ms = await cpuTimed(() => {
        for (let n = 0; n < passes; n++) pass()
      })
      if (seen === 0) throw new Error(`the rule "${name}" lets nothing through`)
      absolute[`${name}PerSecond`] = (documents.length * passes * 1_000) / ms
    }
    return { absolute }
  },
}
