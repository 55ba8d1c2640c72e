import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { defineCommand } from 'citty'
import { checkNames } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'

/** `nearcloud init`: a project that runs at once. What is there already stays as it is. */
export function initCommand(host: Host) {
  const args = {
    folder: { type: 'positional', required: false, description: 'Where (default: this folder)' },
  } as const
  return defineCommand({
    meta: { name: 'init', description: 'Makes a project that runs at once; overwrites nothing' },
    args,
    run({ args: { _, ...given } }) {
      checkNames('init', given, args)
      if (_.length > 1) throw new UsageError('it is "nearcloud init FOLDER".')
      const folder = resolve(host.cwd, given.folder ?? '.')
      for (const [path, text] of Object.entries(filesOf(basename(folder)))) {
        const file = join(folder, path)
        host.out(`${write(file, text) ? 'made' : 'kept'}  ${relative(host.cwd, file)}`)
      }
      const there = relative(host.cwd, folder)
      host.out(
        `\n${there === '' ? '' : `cd ${there}\n`}nearcloud dev         runs it\nnearcloud call hello  calls its function, from another terminal`,
      )
    },
  })
}

/** False when there is a file already: it is left as it is. */
function write(file: string, text: string): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    throw new UsageError(`${file} cannot be written (${code ?? String(thrown)}).`)
  }
}

function filesOf(name: string): Readonly<Record<string, string>> {
  return {
    'nearcloud.json': `${JSON.stringify({ name }, null, 2)}\n`,
    'rules.json': `${JSON.stringify(rules, null, 2)}\n`,
    'cloudfunctions/hello/index.js': helloFunction,
    '.gitignore': '.nearcloud/\nnode_modules/\n',
  }
}

/** Everybody reads the list and adds to it; what somebody wrote is theirs to change. */
const rules = {
  database: {
    todos: {
      read: true,
      create: true,
      update: 'doc._openid == auth.openid',
      delete: 'doc._openid == auth.openid',
    },
  },
  storage: { read: true, write: 'resource.openid == auth.openid' },
  functions: { hello: { invoke: true } },
}

const helloFunction = `const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

exports.main = async event => {
  const { total } = await db.collection('todos').count()
  return { hello: event.name || 'world', todos: total }
}
`
