import type { Call } from './channel.ts'

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs a call with its environment variables, which are gone afterwards: one call after the other, since a process has one
 * environment.
 */
export function withVariables<T>({ variables }: Call, run: () => Promise<T>): Promise<T> {
  if (!variables) return run()
  const done = last.then(async () => {
    const before = new Map(Object.keys(variables).map(name => [name, process.env[name]]))
    Object.assign(process.env, variables)
    try {
      return await run()
    } finally {
      for (const [name, text] of before)
        if (text === undefined) delete process.env[name]
        else process.env[name] = text
    }
  })
  last = done.catch(() => {})
  return done
}
