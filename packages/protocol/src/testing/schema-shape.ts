import type { Json } from '../parse-json.ts'

/**
 * What a valibot schema accepts, as plain data: two schemas of the same shape give the same text. Throws for a kind of
 * schema it does not know, so that nothing is left out silently.
 */
export function schemaShape(schema: unknown): Json {
  const node = schema as SchemaNode
  const steps = (node.pipe ?? []).slice(1).map(stepShape)
  const shape = baseShape(node.pipe?.[0] ?? node)
  return steps.length > 0 ? { is: shape, and: steps } : shape
}

function baseShape(node: SchemaNode): Json {
  switch (node.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
    case 'unknown':
    case 'custom':
      return node.type
    case 'literal':
      return { exactly: node.literal as Json }
    case 'picklist':
      return { oneOf: node.options as Json[] }
    case 'optional':
      return { optional: schemaShape(node.wrapped) }
    case 'array':
      return { list: schemaShape(node.item) }
    case 'record':
      return { record: schemaShape(node.value) }
    case 'strict_tuple':
      return { tuple: node.items!.map(schemaShape) }
    case 'union':
      return { either: node.options!.map(schemaShape) }
    case 'variant':
      return { by: node.key!, either: node.options!.map(schemaShape) }
    case 'strict_object':
      return Object.fromEntries(
        Object.entries(node.entries!).map(([key, entry]) => [key, schemaShape(entry)]),
      )
  }
  throw new Error(`a schema of type ${node.type} has no shape yet: add it here`)
}

function stepShape(step: SchemaNode): Json {
  const { requirement } = step
  if (requirement === undefined || typeof requirement === 'function') return step.type
  return `${step.type} ${requirement instanceof RegExp ? requirement.source : String(requirement)}`
}

interface SchemaNode {
  readonly type: string
  readonly pipe?: readonly SchemaNode[]
  readonly literal?: unknown
  readonly options?: readonly unknown[]
  readonly wrapped?: unknown
  readonly item?: unknown
  readonly value?: unknown
  readonly items?: readonly unknown[]
  readonly key?: string
  readonly entries?: Readonly<Record<string, unknown>>
  readonly requirement?: unknown
}
