import { AsyncLocalStorage } from 'node:async_hooks'
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
  // a call of a stranger, whose actor says nothing of where it comes from
  const asked = name === 'nearcloud.function' ? requests.getStore() : undefined
  const span = begin(name, attributes, parent ?? asked)
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

/**
 * What is asked over HTTP while `work` runs goes on with the trace that `traceparent` names, as the W3C writes it; one that is none is as
 * good as none.
 */
export function withinTrace<T>(traceparent: string | undefined, work: () => T): T {
  const [, version, traceId, spanId, flags] = traceForm.exec(traceparent ?? '') ?? []
  const span = {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags!, 16) & 1,
    isRemote: true,
  }
  if (version === undefined || version === 'ff' || !isSpanContextValid(span)) return work()
  return requests.run(span, work)
}

/** The actor, who does what it does in the trace of the request. It has to be an object of this request alone. */
export function continued<Someone extends Actor>(actor: Someone): Someone {
  const span = requests.getStore()
  if (span) spanOfActor.set(actor, span)
  return actor
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

/** Of a later version there may be more behind it. */
const traceForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/
const requests = new AsyncLocalStorage<SpanContext>()
const spanOfActor = new WeakMap<Actor, SpanContext>()
const causes = new WeakMap<Engine, Map<string, SpanContext>>()
/** Versions that a trigger may still come to. */
const mostCauses = 10_000
