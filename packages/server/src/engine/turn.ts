/** Lets other work of the process run: sockets are read, timers fire. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
