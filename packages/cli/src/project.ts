import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type CustomLoginKey,
  type FileQuota,
  functionNames,
  type HistoryLimits,
  type IssuerOptions,
  type PasswordOptions,
  type RateOptions,
} from '@nearcloud/server'
import { UsageError } from './host.ts'

/** What a folder says about the app in it: its `nearcloud.json`, which is optional, and what lies beside. */
export interface Project {
  readonly folder: string
  readonly name?: string
  /** The environment its documents live in. */
  readonly env?: string
  /** The built app, to be hosted at `/`: an absolute path. */
  readonly site?: string
  /** How much of the past the server keeps. */
  readonly history?: HistoryLimits
  /** Where files are fetched, if not where everything else is. */
  readonly filesOrigin?: string
  /** How much there may be of files. */
  readonly files?: FileQuota
  /** The mini program of WeChat whose users sign in by `wx.login`. */
  readonly wechat?: { readonly appId: string }
  /** The mini program of Alipay whose users sign in by `my.getAuthCode`. */
  readonly alipay?: { readonly appId: string }
  /** Who may make an account with a name and a password. */
  readonly passwords?: PasswordOptions
  /** Headers of everything that is hosted. */
  readonly siteHeaders?: Readonly<Record<string, string>>
  /** Proxies before the server. */
  readonly trustedProxies?: readonly string[]
  /** How often one address, one user and one caller of a function may ask. */
  readonly rates?: RateOptions
  /** Whose tokens let users in. */
  readonly issuers?: readonly IssuerOptions[]
  /** Whose tickets in the original's form let users in. */
  readonly customLogin?: readonly CustomLoginKey[]
  /** The pages worth opening: paths that begin with `/`. */
  readonly open: readonly string[]
  readonly hasRules: boolean
  /** Names of the cloud functions found. */
  readonly functions: readonly string[]
}

/** Throws a UsageError, one sentence, when the folder is not there or its nearcloud.json does not say what it should. */
export function readProject(folder: string): Project {
  if (!isFolder(folder)) throw new UsageError(`there is no project folder ${folder}.`)
  const { site, open = ['/'], history, files, ...named } = readSettings(join(folder, 'nearcloud.json'))
  return {
    folder,
    ...named,
    ...(site !== undefined && { site: resolve(folder, site) }),
    ...(history && { history: limitsOf(history) }),
    ...(files && { files: quotaOf(files) }),
    open,
    hasRules: existsSync(join(folder, 'rules.json')),
    functions: functionNames(folder),
  }
}

interface Settings {
  name?: string
  env?: string
  site?: string
  open?: readonly string[]
  wechat?: { readonly appId: string }
  alipay?: { readonly appId: string }
  passwords?: PasswordOptions
  siteHeaders?: Readonly<Record<string, string>>
  trustedProxies?: readonly string[]
  rates?: RateOptions
  filesOrigin?: string
  files?: { readonly megabytes?: number; readonly megabytesPerUser?: number }
  issuers?: readonly IssuerOptions[]
  customLogin?: readonly CustomLoginKey[]
  history?: { readonly days?: number; readonly megabytes?: number; readonly clientDays?: number }
}

function readSettings(path: string): Settings {
  if (!existsSync(path)) return {}
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UsageError(`${path} must hold an object.`)
  for (const [key, value] of Object.entries(json)) {
    const check = Object.hasOwn(settings, key) ? settings[key as keyof Settings] : undefined
    if (!check) throw new UsageError(`${path} has an unknown setting "${key}".`)
    if (!check.holds(value)) throw new UsageError(`"${key}" in ${path} must be ${check.words}.`)
  }
  return json
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''
/** An object of positive numbers with these names. */
const isNumbers =
  (...names: readonly string[]) =>
  (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([name, each]) => names.includes(name) && typeof each === 'number' && each > 0,
    )
const isMiniProgram = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).join() === 'appId' &&
  isText((value as { appId?: unknown }).appId)
const isPasswords = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([name, each]) => name === 'signUp' && typeof each === 'boolean')
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isRate = (value: unknown) =>
  isRecord(value) &&
  typeof value.perMinute === 'number' &&
  Object.entries(value).every(
    ([name, each]) => ['perMinute', 'burst'].includes(name) && typeof each === 'number',
  )
const isRates = (value: unknown) =>
  isRecord(value) &&
  Object.entries(value).every(([name, each]) =>
    name === 'functions'
      ? isRecord(each) && Object.values(each).every(isRate)
      : ['address', 'user', 'function'].includes(name) && isRate(each),
  )
const isIssuers = (value: unknown) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every(
    each =>
      typeof each === 'object' && each !== null && Object.keys(each).every(name => ofIssuer.includes(name)),
  )
const ofIssuer = ['name', 'issuer', 'audience', 'jwksUrl', 'clockToleranceS', 'rolesClaim']
const isCustomLogin = (value: unknown) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every(
    each =>
      isRecord(each) &&
      Object.keys(each).sort().join() === 'keyId,publicKey' &&
      Object.values(each).every(isText),
  )
const isPath = (value: unknown) => typeof value === 'string' && value.startsWith('/')

const settings: Record<keyof Settings, { holds(value: unknown): boolean; words: string }> = {
  name: { holds: isText, words: 'a text' },
  env: { holds: isText, words: 'a text' },
  site: { holds: isText, words: 'a folder' },
  history: {
    holds: isNumbers('days', 'megabytes', 'clientDays'),
    words: 'an object of positive numbers, any of "days", "megabytes" and "clientDays"',
  },
  files: {
    holds: isNumbers('megabytes', 'megabytesPerUser'),
    words: 'an object of positive numbers, any of "megabytes" and "megabytesPerUser"',
  },
  filesOrigin: { holds: isText, words: 'an origin, like "https://files.example"' },
  passwords: { holds: isPasswords, words: 'an object with "signUp", true or false' },
  issuers: {
    holds: isIssuers,
    words:
      'a list of objects with "name", "issuer", "audience" and perhaps "jwksUrl", "clockToleranceS", "rolesClaim"',
  },
  customLogin: { holds: isCustomLogin, words: 'a list of objects with the texts "keyId" and "publicKey"' },
  wechat: { holds: isMiniProgram, words: 'an object with the text "appId"' },
  alipay: { holds: isMiniProgram, words: 'an object with the text "appId"' },
  siteHeaders: {
    holds: value => isRecord(value) && Object.values(value).every(each => typeof each === 'string'),
    words: 'an object of headers and their texts',
  },
  trustedProxies: {
    holds: value => Array.isArray(value) && value.every(isText),
    words: 'a list of addresses and networks, like "10.0.0.0/8"',
  },
  rates: {
    holds: isRates,
    words:
      'an object with any of "address", "user", "function" and "functions" (by name), each {"perMinute", "burst"?}',
  },
  open: {
    holds: value => Array.isArray(value) && value.length > 0 && value.every(isPath),
    words: 'a list of paths that begin with "/"',
  },
}

function limitsOf({ days, megabytes, clientDays }: NonNullable<Settings['history']>): HistoryLimits {
  return {
    ...(days !== undefined && { maxAgeMs: days * dayMs }),
    ...(megabytes !== undefined && { maxBytes: megabytes * 1_000_000 }),
    ...(clientDays !== undefined && { clientsMaxAgeMs: clientDays * dayMs }),
  }
}

function quotaOf({ megabytes, megabytesPerUser }: NonNullable<Settings['files']>): FileQuota {
  return {
    ...(megabytes !== undefined && { environmentBytes: Math.ceil(megabytes * 1_000_000) }),
    ...(megabytesPerUser !== undefined && { userBytes: Math.ceil(megabytesPerUser * 1_000_000) }),
  }
}

const dayMs = 86_400_000

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
