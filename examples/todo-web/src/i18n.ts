/** Everything the page says, in one language. */
export interface Words {
  readonly language: 'en' | 'zh'
  readonly locale: string
  readonly people: Readonly<Record<string, string>>
  readonly title: string
  readonly you: (name: string) => string
  readonly progress: (done: number, all: number) => string
  readonly progressNone: string
  readonly newTitle: string
  readonly add: string
  readonly emptyTitle: string
  readonly emptyBody: string
  readonly invite: (name: string) => string
  readonly inviteHint: string
  readonly addedBy: (name: string) => string
  readonly pending: string
  readonly pendingHint: string
  readonly titleLabel: string
  readonly done: (title: string) => string
  readonly lock: (title: string) => string
  readonly unlock: (title: string) => string
  readonly lockedBy: (name: string) => string
  readonly remove: (title: string) => string
  readonly refusedLocked: (name: string) => string
  readonly refusedGone: string
  readonly refused: string
  readonly attempted: (words: string) => string
  readonly attemptedRemove: string
  readonly dismiss: string
  readonly network: string
  readonly online: string
  readonly offline: string
  readonly connecting: string
  readonly saved: string
  readonly waiting: (count: number) => string
  readonly sending: (count: number) => string
  readonly offlineSaved: string
  readonly unreachable: string
  readonly lastSync: (time: string) => string
  readonly neverSynced: string
  readonly rejectedCount: (count: number) => string
  readonly counterTitle: string
  readonly counterUnit: (count: number) => string
  readonly counterPlus: string
  readonly counterPending: (count: number) => string
  readonly photosTitle: string
  readonly photosEmpty: string
  readonly photoAdd: string
  readonly photoBy: (name: string) => string
  readonly photoComing: (name: string) => string
  readonly photoAway: string
  readonly photoFailed: string
  readonly close: string
  readonly summaryTitle: string
  readonly summaryHint: string
  readonly summarise: string
  readonly summarising: string
  readonly summaryOffline: string
  readonly summaryFailed: (reason: string) => string
  readonly activityTitle: string
  readonly activityEmpty: string
  readonly activity: Readonly<Record<string, (name: string, title: string) => string>>
  readonly brokenTitle: string
  readonly volatile: string
}

const english: Words = {
  language: 'en',
  locale: 'en',
  people: { 1: 'Ada', 2: 'Ben' },
  title: 'Weekend by the lake',
  you: name => `You are ${name}`,
  progress: (done, all) => `${done} of ${all} done`,
  progressNone: 'A list for everyone who is coming',
  newTitle: 'What do we still need?',
  add: 'Add',
  emptyTitle: 'Nothing to bring yet',
  emptyBody:
    'Add the first thing. It shows up in every open window, and waits for the network if there is none.',
  invite: name => `Open it as ${name}`,
  inviteHint: 'in a second window: everything you do shows up there, now or when the network is back.',
  addedBy: name => `Added by ${name}`,
  pending: 'pending',
  pendingHint: 'Kept here; the server does not have it yet',
  titleLabel: 'Edit',
  done: title => `Done: ${title}`,
  lock: title => `Lock “${title}” so that only you can change it`,
  unlock: title => `Unlock “${title}”`,
  lockedBy: name => `Locked by ${name}`,
  remove: title => `Delete “${title}”`,
  refusedLocked: name => `${name} has locked this, so your change was taken back.`,
  refusedGone: 'A change to something that is no longer in the list was refused.',
  refused: 'The server refused this change, so it was taken back.',
  attempted: words => `You wrote “${words}”`,
  attemptedRemove: 'You deleted it',
  dismiss: 'Dismiss',
  network: 'Network',
  online: 'Online',
  offline: 'Offline',
  connecting: 'Connecting',
  saved: 'Everything is up to date',
  waiting: count => `${count} ${count === 1 ? 'change waits' : 'changes wait'} for the network`,
  sending: count => `Sending ${count} ${count === 1 ? 'change' : 'changes'}`,
  offlineSaved: 'Go on editing: it is all kept here',
  unreachable: 'No answer yet; go on editing, it is all kept here',
  lastSync: time => `Synced at ${time}`,
  neverSynced: 'Not synced yet',
  rejectedCount: count => `${count} refused`,
  counterTitle: 'Coffee',
  counterUnit: count => (count === 1 ? 'cup so far' : 'cups so far'),
  counterPlus: 'One more cup',
  counterPending: count => `${count} of them not sent yet`,
  photosTitle: 'Photos',
  photosEmpty: 'No photos yet. Add one, also without a network.',
  photoAdd: 'Add a photo',
  photoBy: name => `Photo by ${name}`,
  photoComing: name => `On its way from ${name}`,
  photoAway: 'Shown when there is a network',
  photoFailed: 'This photo could not be added.',
  close: 'Close',
  summaryTitle: 'Summary',
  summaryHint: 'A cloud function reads the list on the server and puts it in a sentence.',
  summarise: 'Summarise',
  summarising: 'Asking the server…',
  summaryOffline: 'The answer is made on the server. Go online and ask again.',
  summaryFailed: reason => `That did not work: ${reason}`,
  activityTitle: 'Lately',
  activityEmpty: 'A trigger on the server writes here what happens to the list.',
  activity: {
    added: (name, title) => `${name} added “${title}”`,
    done: (name, title) => `${name} ticked “${title}”`,
    reopened: (name, title) => `${name} reopened “${title}”`,
    renamed: (name, title) => `${name} renamed it “${title}”`,
    locked: (name, title) => `${name} locked “${title}”`,
    unlocked: (name, title) => `${name} unlocked “${title}”`,
    removed: (_, title) => `“${title}” was deleted`,
  },
  brokenTitle: 'The list cannot be opened',
  volatile: 'This browser does not let the page keep data: what you write is gone when the window closes.',
}

const chinese: Words = {
  language: 'zh',
  locale: 'zh-CN',
  people: { 1: '安娜', 2: '贝克' },
  title: '湖边的周末',
  you: name => `你是${name}`,
  progress: (done, all) => `已完成 ${done} / ${all}`,
  progressNone: '一起去的人共用的清单',
  newTitle: '还需要带什么？',
  add: '添加',
  emptyTitle: '清单还是空的',
  emptyBody: '添加第一件东西。每个打开的窗口都会看到它；没有网络时，它会等网络恢复。',
  invite: name => `以${name}的身份打开`,
  inviteHint: '另一个窗口：你做的一切都会出现在那里，现在，或者网络恢复之后。',
  addedBy: name => `${name}添加`,
  pending: '待同步',
  pendingHint: '已保存在本机，服务器还没有收到',
  titleLabel: '编辑',
  done: title => `完成：${title}`,
  lock: title => `锁定“${title}”，只有你能修改`,
  unlock: title => `解锁“${title}”`,
  lockedBy: name => `已被${name}锁定`,
  remove: title => `删除“${title}”`,
  refusedLocked: name => `${name}锁定了这一项，你的修改已撤回。`,
  refusedGone: '对一件已不在清单中的东西的修改被拒绝了。',
  refused: '服务器拒绝了这次修改，修改已撤回。',
  attempted: words => `你写的是“${words}”`,
  attemptedRemove: '你删除了它',
  dismiss: '知道了',
  network: '网络',
  online: '在线',
  offline: '离线',
  connecting: '连接中',
  saved: '全部已同步',
  waiting: count => `${count} 项修改等待网络`,
  sending: count => `正在发送 ${count} 项修改`,
  offlineSaved: '可以继续编辑，内容都保存在本机',
  unreachable: '暂时没有回应，可以继续编辑，内容都保存在本机',
  lastSync: time => `上次同步 ${time}`,
  neverSynced: '尚未同步',
  rejectedCount: count => `${count} 项被拒绝`,
  counterTitle: '咖啡',
  counterUnit: () => '杯，到现在为止',
  counterPlus: '再来一杯',
  counterPending: count => `其中 ${count} 杯尚未发送`,
  photosTitle: '照片',
  photosEmpty: '还没有照片。没有网络时也可以添加。',
  photoAdd: '添加照片',
  photoBy: name => `${name}的照片`,
  photoComing: name => `${name}的照片正在路上`,
  photoAway: '有网络时显示',
  photoFailed: '这张照片没能添加。',
  close: '关闭',
  summaryTitle: '小结',
  summaryHint: '云函数在服务器上读取清单，用一句话告诉你。',
  summarise: '生成小结',
  summarising: '正在询问服务器…',
  summaryOffline: '小结由服务器生成，请联网后再试。',
  summaryFailed: reason => `没有成功：${reason}`,
  activityTitle: '最近动态',
  activityEmpty: '服务器上的触发器会把清单的变化写在这里。',
  activity: {
    added: (name, title) => `${name}添加了“${title}”`,
    done: (name, title) => `${name}完成了“${title}”`,
    reopened: (name, title) => `${name}重新打开了“${title}”`,
    renamed: (name, title) => `${name}改名为“${title}”`,
    locked: (name, title) => `${name}锁定了“${title}”`,
    unlocked: (name, title) => `${name}解锁了“${title}”`,
    removed: (_, title) => `“${title}”已被删除`,
  },
  brokenTitle: '清单无法打开',
  volatile: '这个浏览器不允许页面保存数据：窗口关闭后，写下的内容会丢失。',
}

/** The browser's language decides: Chinese for `zh`, English for everyone else. */
export const text: Words = /^zh\b/i.test(navigator.language) ? chinese : english

/** A moment of today as a clock shows it here. */
export function clockTime(moment: number): string {
  return clock.format(moment)
}

const clock = new Intl.DateTimeFormat(navigator.language, { hour: 'numeric', minute: '2-digit' })
