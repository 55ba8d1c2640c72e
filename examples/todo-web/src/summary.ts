import { cloud } from './cloud.ts'
import { h, say, set } from './dom.ts'
import { text } from './i18n.ts'

/** A button that calls the cloud function `summary`, and its answer. */
export function createSummary() {
  const button = h(
    'button',
    { type: 'button', class: 'secondary', 'data-testid': 'call-function', click: ask },
    text.summarise,
  )
  const result = h('p', { class: 'result', 'aria-live': 'polite', 'data-testid': 'function-result' })
  const element = h(
    'section',
    { class: 'card summary' },
    h('div', { class: 'head' }, h('h2', {}, text.summaryTitle)),
    result,
    button,
  )
  answer('idle', text.summaryHint)

  async function ask(): Promise<void> {
    button.disabled = true
    answer('asking', text.summarising)
    try {
      const { result: sentence } = await cloud.callFunction({
        name: 'summary',
        data: { language: text.language },
      })
      answer('answered', String(sentence))
    } catch (error) {
      const { code, errMsg } = error as { code?: string; errMsg?: string }
      answer('failed', code === 'OFFLINE' ? text.summaryOffline : text.summaryFailed(errMsg ?? String(error)))
    } finally {
      button.disabled = false
    }
  }

  function answer(state: 'idle' | 'asking' | 'answered' | 'failed', words: string): void {
    set(result, 'data-state', state)
    say(result, words)
  }

  return { element }
}
