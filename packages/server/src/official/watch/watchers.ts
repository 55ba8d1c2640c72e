import { WatchConversation, type WatchHost, type WatchLine } from './watch-conversation.ts'

/** Everybody who watches through an official SDK. */
export class Watchers {
  readonly #host: Omit<WatchHost, 'ended'>
  readonly #open = new Set<WatchConversation>()

  constructor(host: Omit<WatchHost, 'ended'>) {
    this.#host = host
  }

  /** `token`: what came with the address of the socket. */
  begin(line: WatchLine, token: string | undefined): WatchConversation {
    const ended = (over: WatchConversation) => this.#open.delete(over)
    const conversation = new WatchConversation(line, { ...this.#host, ended }, token)
    this.#open.add(conversation)
    return conversation
  }

  /** The rules are others, or the server stops: whoever comes back is judged anew. */
  sendAway(reason: string): void {
    for (const conversation of [...this.#open]) conversation.end(1012, reason)
  }

  /** Of one whose rights are others: it comes back and is told what it may see now. */
  greetAnew(openid: string): void {
    for (const conversation of [...this.#open])
      if (conversation.openid === openid) conversation.end(1012, 'the roles of this user changed')
  }

  /** Of one who is no more, or whose sessions were ended: the SDK does not come back by itself. */
  sendAwayUser(openid: string): void {
    for (const conversation of [...this.#open])
      if (conversation.openid === openid) conversation.end(3050, 'sign in again')
  }
}
