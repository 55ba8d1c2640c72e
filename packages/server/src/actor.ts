/**
 * Who asks. A stranger has not signed in; a user is known by `openid`, and has a `uid` when it signed in by name, and perhaps `roles`; a function acts for itself, with the `openid` of
 * its caller to look at, and `depth` says how many triggers led to it; admin is the server itself and its operator.
 */
export type Actor =
  | { readonly kind: 'stranger' }
  | {
      readonly kind: 'user'
      readonly openid: string
      readonly uid?: string
      readonly roles?: readonly string[]
    }
  | { readonly kind: 'function'; readonly name: string; readonly openid?: string; readonly depth: number }
  | { readonly kind: 'admin' }

/** How many triggers stand between a person's write and this actor's; 0 for all but functions. */
export function depthOf(actor: Actor): number {
  return actor.kind === 'function' ? actor.depth : 0
}
