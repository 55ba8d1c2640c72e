const { format } = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A line about what happened; a passing one is written over by the next where that can be done. */
export function step(line, { passing = false } = {}) {
  const { isTTY } = process.stdout
  if (passing && !isTTY) return
  process.stdout.write(`${isTTY ? '\r\x1b[K' : ''}${line}${passing ? '' : '\n'}`)
}

export function printAnswer({ question, cities, firstMs, medianMs, fromCache }) {
  console.log(`\n${question}`)
  for (const { name, population } of cities)
    console.log(`  ${name.padEnd(32)} ${count(population).padStart(11)}`)
  const origin = fromCache ? 'from what happened to be here' : 'covered by the subscription'
  console.log(`  ${milliseconds(medianMs)} (first time ${milliseconds(firstMs)}), ${origin}`)
}

export function count(number) {
  return format(number)
}

export function bytes(number) {
  if (number < 1_000) return `${number} bytes`
  return number < 1_000_000 ? `${format(number / 1_000)} kB` : `${(number / 1_000_000).toFixed(2)} MB`
}

export function milliseconds(number) {
  return `${number < 10 ? number.toFixed(2) : format(number)} ms`
}
