import { type Area, absent, better, refused, same } from '../entry.ts'

/** What the operator writes: functions, rules; and what the server answers. */
export const server: readonly Area[] = [
  {
    title: 'wx-server-sdk',
    surface: 'server SDK',
    rows: [
      same('init DYNAMIC_CURRENT_ENV version', 'SDK-6 FN-2'),
      same('database', 'FN-1'),
      same('callFunction', 'FN-6'),
      better(
        'uploadFile downloadFile getTempFileURL deleteFile',
        'FN-16 FN-27',
        'bytes as a Buffer or a stream, at most 100 MB; what is read fits into `memorySize` or is refused by name',
      ),
      same(
        'auth',
        'FN-18 FN-24',
        'createTicket, of the CloudBase SDK: here a promise; ours: `deleteUser`, `endSessions`',
      ),
      same('getWXContext', 'FN-3 FN-4'),
      same('logger', 'SDK-4'),
      better('queue', 'QUEUE-1', 'ours: `send(data, { delay })` to a function with a queue trigger'),
      better(
        'openapi',
        'OPENAPI-1 OPENAPI-2 OPENAPI-3 OPENAPI-5',
        'messages, checks of content, codes and links; without credentials a call is kept for the developer to read',
      ),
      same('callOpenAPI', 'OPENAPI-9', '`openapi` by the name of what is asked'),
      refused(
        'getOpenData getVoIPSign getCloudCallSign signature cloudPay ai',
        'they are WeChat’s own services',
      ),
      same('Cloud createNewInstance', 'SDK-8', 'of the one environment that a server has'),
      same('updateConfig', 'SDK-8'),
      absent('registerService', 'of the SDK’s own making'),
    ],
  },
  {
    title: 'cloud.getWXContext()',
    surface: 'WXContext',
    rows: [
      same('OPENID APPID ENV SOURCE', 'FN-3'),
      same('CLIENTIP', 'FN-26'),
      absent('FROM_OPENID FROM_APPID FROM_UNIONID OPEN_DATA_INFO', 'WeChat knows them'),
    ],
  },
  {
    title: 'cloud.getWXContext(), of some callers',
    rows: [same('UNIONID', 'WXLOGIN-7', 'where WeChat told it at the sign-in'), same('CLIENTIPV6', 'FN-26')],
  },
  {
    title: 'The context of exports.main(event, context)',
    surface: 'context',
    rows: [
      same('request_id function_name function_version namespace', 'FN-3'),
      same('memory_limit_in_mb time_limit_in_ms', 'FN-3'),
      same('environ environment', 'SDK-10'),
    ],
  },
  {
    title: 'Functions',
    rows: [
      same(['`exports.main` of a folder, CommonJS or ES module; a warm process'], 'FN-2 FN-5'),
      better(['TypeScript'], 'FN-20', 'without a step before; errors name the lines that were written'),
      better(['instances'], 'FN-19', 'several calls share one; how many of both, its `config.json` says'),
      better(['changed code'], 'FN-13', 'runs at the next call, without a deployment'),
      same(['`event.userInfo`'], 'FN-3'),
      same(['the result is what JSON makes of it, at most 1 MB; undefined is null'], 'SDK-2'),
      same(['what is thrown is FUNCTIONS_EXECUTE_FAIL with its message'], 'FN-7'),
      same(['limits of time and memory: `config.json`'], 'FN-9 FN-11 FN-15'),
      better(['process environment'], 'FN-3', 'only the variables it declares'),
      same(
        ['a sandbox'],
        'JAIL-1 JAIL-4 JAIL-5',
        'namespaces on Linux, Node’s permissions everywhere; programs, threads and compiled packages when `config.json` says so',
      ),
      better(
        ['`runTransaction` `startTransaction` of the database, in both styles'],
        'TX-1 TX-2 TX-3 TX-5 TX-6 TX-7 TX-10',
        'in CloudBase’s words too; also `where()` and `count()`; what was read by id is checked, and another attempt has its turn',
      ),
      same(['database triggers: CloudEvents and `dataList`'], 'TRIGGER-1 TRIGGER-2'),
      better(
        ['a trigger that fails, a server that was off'],
        'TRIGGER-4 TRIGGER-5',
        'at least once, from a stored place; what fails five times is a dead letter',
      ),
      better(
        ['timer triggers: seven fields, or six, or five, at UTC+8'],
        'TIMER-1 TIMER-2 TIMER-3 TIMER-6 TIMER-7 TIMER-8',
        'also other time zones; one run for each slot, over restarts and clocks that are set',
      ),
      same(
        ['`openapi.cloudbase.addPermission` of paths in the storage'],
        'OPENAPI-8 FILE-25',
        '`*` is text without a slash, `**` any',
      ),
      better(['conditions of database triggers'], 'TRIGGER-9', '`where` in the trigger’s `config`'),
      better(
        ['a function that runs twice for one event'],
        'AGAIN-1 AGAIN-2',
        'what it wrote for it is there once',
      ),
      better(
        ['message queues'],
        'QUEUE-1 QUEUE-2 QUEUE-4',
        'ours: `cloud.queue(name).send(data, { delay })` and a queue trigger',
      ),
      better(
        ['logs by function, call, level and time'],
        'TELL-1 TELL-2 TELL-3',
        '`nearcloud logs`, in the data folder, within 40 MB',
      ),
      better(['local debugging'], 'TELL-5', '`nearcloud dev --inspect NAME`: any debugger of Node'),
      better(
        ['`callFunction` without a network'],
        'CALLS-4 CALLS-8 ONCE-1',
        'fails at once; with `queue: true` it waits and begins once',
      ),
      better(
        ['HTTP triggers: event and response', '`event.method` of the guide'],
        'HTTP-1 HTTP-2 HTTP-3 HTTP-8',
        'also with streams, CORS and access tokens',
      ),
      better(
        ['tickets of custom login'],
        'FN-18 SIGNIN-2 SIGNIN-3',
        '`cloud.auth().createTicket(uid, { expire })`; good for one sign-in, five minutes, of the server’s own key',
      ),
    ],
  },
  {
    title: 'People',
    rows: [
      same(
        ['an `openid` for everybody, without asking'],
        'AUTH-1 SESSION-1',
        'anonymous: it stays with the device',
      ),
      better(['custom login'], 'SIGNIN-1 SIGNIN-7', 'what was written anonymously can be merged'),
      better(
        ['user name and password'],
        'PASSWORD-1 PASSWORD-6 PASSWORD-9',
        'the operator makes accounts, or everybody may; a new password ends all other sessions',
      ),
      absent(['e-mail, phone'], 'not yet; a function and a ticket do it'),
    ],
  },
  {
    title: 'Security rules',
    rows: [
      same(
        ['`read`, `write`, `create`, `update`, `delete`: true, false, or an expression of 1,024 characters'],
        'JUDGE-1 RULE-4',
      ),
      same(
        ['`auth.openid`, `auth.uid`, `auth.loginType`; `doc`; `request.data`; `now`'],
        'RULE-9 JUDGE-5 SIGNIN-13',
      ),
      absent(['`auth.unionid`, `auth.custom`'], 'a ticket has a name, and nothing else'),
      same(
        ['the operators, with JavaScript’s precedence', 'strict equality, null like undefined'],
        'RULE-1 RULE-5',
      ),
      same(['template literals'], 'RULE-1'),
      better(
        ['`get()` of other documents, and `.where().size()` of the guide'],
        'RULE-3 RULE-20 RULE-21 RULE-23 COMMIT-26 FAN-19 FAN-20 RESUME-7',
        'also for watches and copies on devices: a role or membership that ends takes the documents away',
      ),
      better(
        ['a query implies the rule, or is refused'],
        'RULE-13 RULE-14',
        'the error says what to add; lists, ranges, exists, and, or, not, nor are understood',
      ),
      same(['`doc(id)` is judged by the stored document'], 'JUDGE-12'),
      same(['READONLY, PRIVATE, ADMINWRITE, ADMINONLY; PRIVATE by default'], 'JUDGE-1 JUDGE-2 JUDGE-11'),
      same(['storage: `resource.path`, `resource.openid`'], 'JUDGE-9 FILE-12'),
      same(['storage: `{ condition, path_regex }` of the guide'], 'JUDGE-15'),
      same(['functions: `{ invoke }` by name or `*`'], 'JUDGE-10'),
      better(
        ['a changed rule'],
        'RULES-6 RULES-7',
        'is in force at once; a broken file leaves the last good ones',
      ),
    ],
  },
  {
    title: 'Files',
    rows: [
      same(
        ['`cloud://<env>.<bucket>/<path>`; the same path overwrites'],
        'FILE-8',
        'the bucket is `nearcloud`',
      ),
      same(['paths: 850 bytes, no `//`, no control characters'], 'FILE-10', 'and no part `.` or `..`'),
      same(['temporary addresses for 7,200 seconds, or `maxAge`'], 'FILE-16 FILE-14', 'at most seven days'),
      same(['a status for each file: 0, -503002, -503003'], 'FILE-13 FILE-15'),
      absent(['permanent public addresses'], 'every address is signed and ends'),
      better(
        ['the quota of an environment'],
        'FILE-26 FILE-27',
        '`files` in `nearcloud.json`: of the environment, and of each user',
      ),
      absent(['S3, image processing'], 'not yet'),
    ],
  },
  {
    title: 'Errors: `errCode`',
    surface: 'error numbers',
    rows: [
      same(
        '-501001 -501002 -501003 -501007',
        'ERROR-1',
        'system, timeout, too many requests, invalid parameters',
      ),
      same('-501005', 'INIT-7', 'spelled INVALID_ENV here'),
      same(
        '-502001 -502002 -502003',
        'API-13 DATA-15 WHERE-4 SESSION-8',
        'request failed (duplicates, conflicts), invalid command, permission denied',
      ),
      same(
        '-502005',
        'ERROR-1',
        'in the list; nothing answers it, since a collection is made by its first document',
      ),
      same(
        '-503001 -503002 -503003 -503004',
        'FILE-13 FILE-15 FILE-16',
        'storage: failed, permission, no such file, signature',
      ),
      same('-504002 -504003 -501000', 'CALLS-2 FN-7 FN-8 FN-9', 'functions: failed, timed out, not found'),
      same('-1', 'API-3 INIT-1', 'no such document, before `init`, closed, aborted'),
      same('-402001', 'DATA-16', 'a circle'),
      same('-402006', 'ERROR-1', 'a watch in a function: there is none'),
      same('-402007', 'LINK-8', 'what is no message of the protocol'),
      same('-403001', 'FILES-7', 'a file that is too large'),
      better('-601003', 'CALL-4', 'ours: the network is needed and not there'),
      better('-401001 -501017', 'INIT-5 STATE-5', 'ours: the local store is in use, failed, or full'),
      better(
        '-501019',
        'AUTH-3 AUTH-4 IDENTITY-18',
        'ours: a token that is forged or of another server; a user who has to sign in again',
      ),
      absent(
        '-501004 -501006 -501008 -501009 -501015 -501016 -501018 -501020 -501021',
        'of quotas and accounts, or told by a nearer number',
      ),
      absent('-502004 -502010 -502011 -502012 -502013 -502014 -502015', '-502001 says what happened'),
      absent(
        '-402002 -402003 -402004 -402005 -402008 -402009 -402010 -402011',
        'a broken connection is no error of a watch',
      ),
      absent('-401002 -401003 -504001 -602001 -604001', '-501007, -504002'),
      absent('-404001 -404011 -404012', 'a call goes over the one connection: -504002, -601003'),
      absent('-601001 -601002 -601004 -601005 -601010 -604100', 'of WeChat’s own back end'),
    ],
  },
]
