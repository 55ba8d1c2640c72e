import fc from 'fast-check'

// a property is tried for a moment with each change, and what it misses counts as missed
fc.configureGlobal({ interruptAfterTimeLimit: 60, markInterruptAsFailure: false })
