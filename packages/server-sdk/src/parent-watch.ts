/* A thread of its own: ends the process soon after its parent is gone, even from within an endless loop. */
import { workerData } from 'node:worker_threads'

const { parent } = workerData as { parent: number }

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 500)
