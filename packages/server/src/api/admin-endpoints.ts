import { CloudError, fromJson } from '@nearcloud/protocol'
import { z } from 'zod'
import type { UserAdmin } from '../auth/user-admin.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import type { Files } from '../files/files.ts'
import { sendJob } from '../triggers/queues/jobs.ts'
import type { TriggerAdmin } from '../triggers/triggers.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { queryFrom } from './read-asked.ts'
import * as s from './schemas.ts'

export interface AdminParts {
  readonly environment: LiveEnvironment
  readonly users: UserAdmin
  readonly triggers: TriggerAdmin
  readonly files: Pick<Files, 'page'>
}

/** What the operator's tools do. Documents, functions and files are the ordinary endpoints, with the admin key. */
export function adminEndpoints({ environment, users, triggers, files }: AdminParts): readonly Endpoint[] {
  const admin = { kind: 'admin' } as const
  const executor = environment.executorFor(admin)
  const base = { tag: 'admin', access: 'admin', status: 200 } as const
  const indexes = '/admin/collections/{collection}/indexes'
  const letter = z.strictObject({ function: z.string(), trigger: z.string(), id: z.string() })

  return [
    endpoint({
      ...base,
      operation: 'listUsers',
      method: 'get',
      path: '/admin/users',
      summary: 'Everybody who has a name.',
      answer: z.strictObject({
        users: z.array(
          z.strictObject({
            uid: z.string(),
            openid: z.string().optional(),
            username: z.string().optional(),
            since: z.number().optional().describe('Milliseconds since 1970.'),
            roles: z.array(z.string()).optional(),
          }),
        ),
      }),
      run: async () => ({ users: await users.list() }),
    }),
    endpoint({
      ...base,
      operation: 'addUser',
      method: 'post',
      path: '/admin/users',
      summary: 'An account with a name and a password.',
      body: z.strictObject({ username: z.string(), password: z.string() }),
      status: 201,
      answer: z.strictObject({ uid: z.string() }),
      refusals: [409],
      run: async ({ body }) => ({ uid: await users.add(body.username, body.password) }),
    }),
    endpoint({
      ...base,
      operation: 'setPassword',
      method: 'put',
      path: '/admin/accounts/{username}/password',
      summary: 'Another password for an account; ends its sessions.',
      body: z.strictObject({ password: z.string() }),
      answer: s.ok,
      refusals: [404],
      async run({ params, body }) {
        if (await users.setPassword(params.username!, body.password)) return {}
        throw nobody()
      },
    }),
    endpoint({
      ...base,
      operation: 'createTicket',
      method: 'post',
      path: '/admin/users/{uid}/tickets',
      summary: 'A ticket for one sign-in as this uid, good for five minutes.',
      body: z.strictObject({
        expire: s.count.optional().describe('Milliseconds that a session lasts. Default: 30 days.'),
      }),
      status: 201,
      answer: z.strictObject({ ticket: z.string() }),
      run: async ({ params, body: { expire } }) => ({
        ticket: await users.createTicket(params.uid!, expire === undefined ? {} : { expire }),
      }),
    }),
    endpoint({
      ...base,
      operation: 'changeRoles',
      method: 'patch',
      path: '/admin/users/{uid}/roles',
      summary: 'Give roles to a user and take others, from now on; answers with what they are then.',
      body: z.strictObject({
        grant: z.array(z.string()).optional(),
        revoke: z.array(z.string()).optional(),
      }),
      answer: z.strictObject({ roles: z.array(z.string()) }),
      refusals: [404],
      async run({ params, body: { grant = [], revoke = [] } }) {
        const roles = await users.changeRoles(params.uid!, { grant, revoke })
        if (roles) return { roles: [...roles] }
        throw nobody()
      },
    }),
    endpoint({
      ...base,
      operation: 'endSessions',
      method: 'post',
      path: '/admin/users/{uid}/end-sessions',
      summary: 'End all sessions of a user on all devices.',
      answer: s.ok,
      refusals: [404],
      async run({ params }) {
        if (await users.endSessions(params.uid!)) return {}
        throw nobody()
      },
    }),
    endpoint({
      ...base,
      operation: 'deleteUser',
      method: 'delete',
      path: '/admin/users/{uid}',
      summary: 'End a user; with ?by=openid the name in the path is an openid.',
      query: z.strictObject({ by: z.enum(['uid', 'openid']).optional() }),
      answer: s.ok,
      refusals: [404],
      async run({ params, query }) {
        const name = query.by === 'openid' ? { openid: params.uid! } : { uid: params.uid! }
        if (await users.delete(name)) return {}
        throw nobody()
      },
    }),
    endpoint({
      ...base,
      operation: 'listCollections',
      method: 'get',
      path: '/admin/collections',
      summary: 'Collections of the app that have a document, and how many.',
      answer: z.strictObject({
        collections: z.array(z.strictObject({ name: z.string(), documents: s.count })),
      }),
      async run() {
        const { engine, env } = environment
        const names = (await engine.collections(env)).filter(name => !name.startsWith('_'))
        const sized = names.map(async name => ({ name, documents: await engine.size(env, name) }))
        return { collections: await Promise.all(sized) }
      },
    }),
    endpoint({
      ...base,
      operation: 'listIndexes',
      method: 'get',
      path: indexes,
      summary: 'The indexes of a collection.',
      answer: z.strictObject({ indexes: z.array(indexSchema) }),
      async run({ params }) {
        const { indexes = [] } = await executor.run({ verb: 'indexes', collection: params.collection! })
        return { indexes }
      },
    }),
    endpoint({
      ...base,
      operation: 'createIndex',
      method: 'post',
      path: indexes,
      summary: 'Make an index; answers when it is ready.',
      body: z.strictObject({ ...indexSchema.shape, unique: z.boolean().optional() }),
      status: 201,
      answer: s.ok,
      async run({ params, body: { name, keys, unique = false, expireAfterSeconds } }) {
        const createIndex = {
          name,
          keys,
          unique,
          ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
        }
        await executor.commit({ collection: params.collection!, createIndex })
        return {}
      },
    }),
    endpoint({
      ...base,
      operation: 'dropIndex',
      method: 'delete',
      path: `${indexes}/{name}`,
      summary: 'Drop an index; one that is not there is no error.',
      answer: s.ok,
      async run({ params }) {
        await executor.commit({ collection: params.collection!, dropIndex: params.name! })
        return {}
      },
    }),
    endpoint({
      ...base,
      operation: 'explain',
      method: 'post',
      path: '/admin/collections/{collection}/explain',
      summary: 'How a query is answered.',
      body: s.query,
      answer: z.strictObject({
        plan: z.enum(['id', 'index', 'scan']),
        index: z.string().optional(),
        ordered: z.boolean(),
        examined: s.count,
        returned: s.count,
        answeredBy: z.enum(['local', 'server']),
      }),
      async run({ params, body }) {
        const query = queryFrom(body, params.collection)
        return (await executor.run({ verb: 'explain', query })).explanation
      },
    }),
    endpoint({
      ...base,
      operation: 'listFiles',
      method: 'get',
      path: '/admin/files',
      summary:
        'All files, a page at a time and in no order; `after` of a page asks for the next, and the last has none.',
      query: z.strictObject({ after: z.string().optional() }),
      answer: z.strictObject({
        files: z.array(
          z.strictObject({
            fileID: z.string(),
            path: z.string(),
            size: s.count,
            contentType: z.string(),
            sha256: z.string(),
            updated: z.number().describe('Milliseconds since 1970.'),
            openid: z.string().optional().describe("Whose; absent: the server's own."),
          }),
        ),
        after: z.string().optional(),
      }),
      run: async ({ query: { after } }) => files.page(after),
    }),
    endpoint({
      ...base,
      operation: 'listTriggers',
      method: 'get',
      path: '/admin/triggers',
      summary: 'Timers and when they run next, and events that were given up.',
      answer: z.strictObject({ timers: z.array(s.data), deadLetters: z.array(s.data) }),
      run: async () => ({ timers: triggers.timers(), deadLetters: await triggers.deadLetters() }),
    }),
    endpoint({
      ...base,
      operation: 'replayDeadLetter',
      method: 'post',
      path: '/admin/triggers/replay',
      summary: 'Bring an event that was given up once more, now.',
      body: letter,
      answer: z.strictObject({ isTaken: z.boolean() }),
      run: async ({ body: { function: name, trigger, id } }) => ({
        isTaken: await triggers.replay({ function: name, name: trigger }, id),
      }),
    }),
    endpoint({
      ...base,
      operation: 'discardDeadLetter',
      method: 'post',
      path: '/admin/triggers/discard',
      summary: 'Forget an event that was given up.',
      body: letter,
      answer: s.ok,
      async run({ body: { function: name, trigger, id } }) {
        await triggers.discard({ function: name, name: trigger }, id)
        return {}
      },
    }),
    endpoint({
      ...base,
      operation: 'sendToQueue',
      method: 'post',
      path: '/admin/queues/{queue}/messages',
      summary: 'Send a message to a queue; answers when it is durable.',
      body: z.strictObject({ data: s.value, delay: z.number().min(0).optional().describe('Milliseconds.') }),
      status: 201,
      answer: z.strictObject({ id: z.string() }),
      run: async ({ params, body: { data, delay } }) => ({
        id: await sendJob(environment, { queue: params.queue!, data: fromJson(data), depth: 0, delay }),
      }),
    }),
  ]
}

const indexSchema = z.strictObject({
  name: z.string(),
  keys: z.array(z.tuple([z.string(), z.union([z.literal(1), z.literal(-1), z.literal('2dsphere')])])).min(1),
  unique: z.boolean(),
  expireAfterSeconds: z.number().optional(),
})

function nobody(): CloudError {
  return new CloudError('INVALID_PARAM', {
    errMsg: 'there is no user of this name',
    details: { reason: 'absent' },
  })
}
