import type { Millis, Version } from '@nearcloud/protocol'
import {
  type Attributes,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { Actor } from '../actor.ts'
import type { CommitRequest } from '../commit/environment.ts'
import type { Engine } from '../engine/engine.ts'

/*
 * Traces of what led to what: a client's write, the trigger that it sets off, the function that the trigger runs, what that writes. Spans
 * hold ids, names, versions and codes, nothing that a document says. Where no provider of OpenTelemetry is registered, nothing is made.
 */

/** How a commit was answered. */
export interface TracedCommit {
  readonly request: CommitRequest
  /** `OK`, or the code of the refusal. */
  readonly code: string
  /** The one it made; absent: it changed nothing. */
  readonly version: Version | undefined
}

/** A commit was decided, and is durable if it was accepted. `began` is the time of the machine's clock. */
export function traceCommit(
  engine: Engine,
  env: string,
  { request, code, version }: TracedCommit,
  began: Millis,
): void {
  const { actor } = request
  const attributes: Attributes = {
    'nearcloud.env': env,
    'nearcloud.actor': actor.kind,
    'nearcloud.code': code,
  }
  if ('client' in request) {
    attributes['nearcloud.client'] = request.client.id
    attributes['nearcloud.mutation'] = request.client.mutation.id
  }
  if (version !== undefined) attributes['nearcloud.version'] = version
  const span = begin('nearcloud.commit', attributes, spanOfActor.get(actor), began)
  if (code !== 'OK') span.setStatus({ code: SpanStatusCode.ERROR })
  if (version !== undefined && isSpanContextValid(span.spanContext()))
    causesOf(engine).set(`${env}/${version}`, span.spanContext())
  span.end()
}

/**
 * What an actor does while `work` runs is done in this span. The actor has to be an object of this run alone. Rejects as `work` does, with the
 * code of the error in the span.
 */
export async function traceWork<T>(
  name: 'nearcloud.trigger' | 'nearcloud.function',
  attributes: Attributes,
  { actor, parent }: { readonly actor: Actor; readonly parent: SpanContext | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const span = begin(name, attributes, parent)
  if (isSpanContextValid(span.spanContext())) spanOfActor.set(actor, span.spanContext())
  try {
    return await work()
  } catch (thrown) {
    const { code } = (thrown ?? {}) as { code?: unknown }
    span.setAttribute('nearcloud.code', typeof code === 'string' ? code : 'SYS_ERR')
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw thrown
  } finally {
    span.end()
  }
}

/** The commit that made a version; undefined where that was long ago, or before this start of the server. */
export function causeOf(engine: Engine, env: string, version: Version): SpanContext | undefined {
  return causes.get(engine)?.get(`${env}/${version}`)
}

/** In what the actor does what it does. */
export function spanOf(actor: Actor): SpanContext | undefined {
  return spanOfActor.get(actor)
}

function begin(
  name: string,
  attributes: Attributes,
  parent: SpanContext | undefined,
  startTime?: Millis,
): Span {
  const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
  const options = { attributes, ...(startTime !== undefined && { startTime }) }
  return trace.getTracer('@nearcloud/server').startSpan(name, options, context)
}

function causesOf(engine: Engine): Map<string, SpanContext> {
  const known = causes.get(engine) ?? new Map<string, SpanContext>()
  causes.set(engine, known)
  if (known.size >= mostCauses) known.delete(known.keys().next().value!)
  return known
}

const spanOfActor = new WeakMap<Actor, SpanContext>()
const causes = new WeakMap<Engine, Map<string, SpanContext>>()
/** Versions that a trigger may still come to. */
const mostCauses = 10_000
