const own = Object.prototype.hasOwnProperty

/** `Object.hasOwn`, which engines of some phones do not have. */
export function hasOwn(object: object, key: string): boolean {
  return own.call(object, key)
}
