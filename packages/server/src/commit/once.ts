/** Where a decision is kept that is made once under a name: a durable string, until somebody removes it. */
export function onceKey(once: string): string {
  return `once/${once}`
}
