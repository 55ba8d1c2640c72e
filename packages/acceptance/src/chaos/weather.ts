import type { RelayFaults } from '../relay/faults.ts'
import type { Relay } from '../relay/relay.ts'
import type { Dice } from '../scenario/dice.ts'

/** What the network is like for a while. */
export const weathers: Readonly<Record<string, RelayFaults>> = {
  calm: {},
  slow: { delay: { chance: 0.6, mostMs: 250 } },
  lossy: { drop: { chance: 0.03 } },
  doubling: { duplicate: { chance: 0.2 } },
  breaking: { cut: { chance: 0.04 } },
  tearing: { truncate: { chance: 0.04 } },
  narrow: { ceilingBytes: 1_200 },
  narrowUp: { ceilingBytes: 1_200, direction: 'up' },
  trickling: { bytesPerSecond: 30_000 },
  proxied: { stripUpgrade: true },
  captive: { portal: '<html>Pay here</html>' },
  nobody: { refuse: true },
  storm: {
    delay: { chance: 0.3, mostMs: 150 },
    drop: { chance: 0.01 },
    duplicate: { chance: 0.05 },
    cut: { chance: 0.01 },
    truncate: { chance: 0.01 },
  },
}

/**
 * Changes the weather again and again, by the dice, until told to stop; then it is calm. When it is `sticking` connections
 * get stuck, too, which their heartbeats alone notice, in half a minute.
 */
export function weather(
  relay: Relay,
  dice: Dice,
  { spellMs, isSticking }: { readonly spellMs: number; readonly isSticking: boolean },
): { stop(): void } {
  let timer: NodeJS.Timeout
  const names = Object.keys(weathers).filter(name => isSticking || weathers[name]!.ceilingBytes === undefined)
  const change = () => {
    // a calm spell in between lets something come through
    const name = dice.below(3) === 0 ? 'calm' : dice.pick(names)
    relay.set(weathers[name]!)
    // what is open breaks, or is stuck for good and nobody is told
    const fate = dice.below(12)
    if (fate === 0 && isSticking) relay.freeze()
    else if (fate < 3) relay.cut()
    timer = setTimeout(change, spellMs / 4 + dice.below(spellMs))
  }
  change()
  return {
    stop() {
      clearTimeout(timer)
      relay.set({})
    },
  }
}
