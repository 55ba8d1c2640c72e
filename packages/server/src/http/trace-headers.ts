/** What a page's fetch carries where OpenTelemetry watches it, so every door of ours takes it from pages of other origins. */
export const traceHeaders = ['traceparent', 'tracestate'] as const
