/** An object of a host that has these members and no others: whoever asks for another one is told. */
export function strict<Members extends object>(name: string, members: Members): Members {
  return new Proxy(members, {
    get(target, key) {
      if (typeof key === 'string' && !(key in target) && key !== 'then' && key !== 'toJSON')
        throw new Error(`${name} has no ${key}`)
      return Reflect.get(target, key)
    },
    set(_, key) {
      throw new TypeError(`${name}.${String(key)} is read only`)
    },
  })
}

/** Refuses options that the host does not know, and those it wants and did not get. */
export function checkOptions(
  api: string,
  options: unknown,
  known: { readonly needed?: readonly string[]; readonly optional?: readonly string[] },
): void {
  if (typeof options !== 'object' || options === null) throw new Error(`${api}: parameter should be Object`)
  const { needed = [], optional = [] } = known
  for (const name of needed)
    if ((options as Record<string, unknown>)[name] === undefined)
      throw new Error(`${api}: parameter.${name} should be given`)
  for (const name of Object.keys(options))
    if (![...needed, ...optional, 'success', 'fail', 'complete'].includes(name))
      throw new Error(`${api} knows no option "${name}"`)
}
