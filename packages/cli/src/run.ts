import { readFileSync } from 'node:fs'
import { type CommandDef, defineCommand, renderUsage, runCommand } from 'citty'
import { backupCommand, restoreCommand } from './backup-commands.ts'
import { doctorCommand } from './doctor-command.ts'
import { exportCommand, importCommand } from './documents-commands.ts'
import { filesCommands } from './files-commands.ts'
import { callCommand, logsCommand } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'
import { initCommand } from './init-command.ts'
import { keysCommand } from './keys-command.ts'
import { rulesCommands } from './rules-commands.ts'
import { statusCommand, stopCommand } from './server-commands.ts'
import { devCommand, startCommand } from './start-command.ts'
import { tokenCommand } from './token-command.ts'
import { outboxCommand, triggersCommand } from './trigger-commands.ts'
import { usersCommands } from './users-commands.ts'

/**
 * Runs the `nearcloud` command with these arguments; resolves with the exit code when it is over.
 *
 * What the user can mend is one sentence on `host.err` and exit code 1; a defect of ours comes with its stack.
 */
export async function runNearcloud(argv: readonly string[], host: Host): Promise<number> {
  let code = 0
  const { version } = packageFacts()
  const exit = (exitCode: number) => {
    code = exitCode
  }
  const start = startCommand(host, version, exit)
  const meta = {
    name: 'nearcloud',
    version,
    description: 'The cloud of wx.cloud apps, offline first, on your own server',
  }
  const ofUsers = usersCommands(host)
  const ofRules = rulesCommands(host, exit)
  const ofFiles = filesCommands(host, exit)
  /** Commands that have verbs of their own. */
  const verbsOf = new Map<string, Record<string, CommandDef>>([
    ['users', ofUsers],
    ['rules', ofRules],
    ['files', ofFiles],
  ])
  const commands = {
    init: initCommand(host),
    start,
    dev: devCommand(host, version, exit),
    status: statusCommand(host, exit),
    stop: stopCommand(host, exit),
    doctor: doctorCommand(host, exit),
    logs: logsCommand(host),
    call: callCommand(host, exit),
    triggers: triggersCommand(host, exit),
    outbox: outboxCommand(host),
    users: defineCommand({
      meta: { name: 'users', description: 'Says who has a name, and makes, ends and signs out users' },
      subCommands: ofUsers,
    }),
    keys: keysCommand(host),
    token: tokenCommand(host),
    rules: defineCommand({
      meta: { name: 'rules', description: 'Says what the rules allow, tests them, and explains a refusal' },
      subCommands: ofRules,
    }),
    files: defineCommand({
      meta: {
        name: 'files',
        description: 'Puts a folder of files into the cloud, and writes them out of it',
      },
      subCommands: ofFiles,
    }),
    import: importCommand(host, exit),
    export: exportCommand(host),
    backup: backupCommand(host),
    restore: restoreCommand(host),
  }
  const nearcloud = defineCommand({ meta, subCommands: commands })
  const help = async () => {
    const [first = '', second = ''] = argv
    const verbs = verbsOf.get(first)
    const verb = verbs && Object.hasOwn(verbs, second) ? verbs[second] : undefined
    const asked = argv.find(word => Object.hasOwn(commands, word)) as keyof typeof commands | undefined
    const usage =
      asked === undefined
        ? await renderUsage(nearcloud)
        : verb
          ? await renderUsage(verb, { meta: { name: `nearcloud ${first}` } })
          : await renderUsage(commands[asked] as typeof start, { meta })
    return host.hasColours ? usage : usage.replaceAll(colourCode, '')
  }
  try {
    const isBare = argv.length === 0 || (argv.length === 1 && verbsOf.has(argv[0]!))
    if (argv[0] === '--version' || argv[0] === '-v') host.out(version)
    else if (isBare || argv.includes('--help') || argv.includes('-h')) host.out(await help())
    else await runCommand(nearcloud, { rawArgs: [...argv] })
    return code
  } catch (thrown) {
    host.err(sentenceFor(thrown))
    return 1
  }
}

function sentenceFor(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `nearcloud: ${String(thrown)}`
  const words = thrown.message.replaceAll(colourCode, '')
  if (thrown.name === 'CLIError') return `nearcloud: ${words}; "nearcloud --help" says what there is.`
  const { code } = thrown as { code?: unknown }
  const isForUser = thrown instanceof UsageError || code === 'SERVER_CONFIGURATION'
  return `nearcloud: ${isForUser ? words : (thrown.stack ?? words)}`
}

function packageFacts(): { version: string } {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what a colour code begins with
const colourCode = /\x1b\[\d+m/g
