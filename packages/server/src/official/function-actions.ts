import { limits, parseJson } from '@nearcloud/protocol'
import { eventFrom } from './database-actions.ts'
import type { Action } from './official-call.ts'
import { invalid, textOf } from './wire/shapes.ts'

export const functionActions: Readonly<Record<string, Action>> = {
  async 'functions.invokeFunction'(caller, { function_name: name, request_data: text = '' }) {
    if (typeof name !== 'string' || name === '') throw invalid('函数名不能为空')
    const json = textOf(text, 'request_data')
    const result = await caller.callFunction(
      name,
      eventFrom(json === '' ? {} : parseJson(json, limits.depth)),
    )
    return { data: { response_data: JSON.stringify(result) } }
  },
}
