import { createBalancer } from '@gatelet/balancer'
import { chain, GatewayError, json, text } from '@gatelet/core'
import { serverTiming, type TraceOptions, trace } from '@gatelet/metrics'
import { proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { type CallRequest, call, origins, virtualClock } from '@gatelet/testing'
import * as api from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const named = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'a=1', baggage: 'user=ada' }
const proxied = { address: '192.0.2.1', peer: '10.0.0.1', viaTrustedProxy: true }

/** What those behind the layer see of a request. */
async function behind(options: TraceOptions, request: CallRequest) {
  const handler = chain()
    .use(trace(options))
    .to(({ request: { headers }, state }) =>
      json({
        state: state.trace,
        ...Object.fromEntries(['traceparent', 'tracestate', 'baggage'].map((name) => [name, headers.get(name)])),
      }),
    )
  return (await call(handler, request)).json<{
    state: { traceId: string; spanId: string; parentSpanId?: string; isSampled: boolean }
    traceparent: string
    tracestate?: string
    baggage?: string
  }>()
}

describe('without spans', () => {
  test('the trace of a trusted proxy goes on, with all that belongs to it', async () => {
    const seen = await behind({}, { headers: named, client: proxied })
    expect(seen).toMatchObject({
      tracestate: 'a=1',
      baggage: 'user=ada',
      state: { traceId, parentSpanId: spanId, isSampled: true },
    })
    expect(seen.traceparent).toBe(`00-${traceId}-${seen.state.spanId}-01`)
    expect(seen.state.spanId).not.toBe(spanId)
  })

  test.each<[string, TraceOptions, CallRequest]>([
    ['a client', {}, { headers: named }],
    ['anybody where nobody is believed', { accept: 'nobody' }, { headers: named, client: proxied }],
    ['who says nothing', { accept: 'anybody' }, {}],
    ['who says it wrongly', { accept: 'anybody' }, { headers: { ...named, traceparent: 'x', baggage: '"' } }],
  ])('a request of %s begins a trace, and nothing else is passed on', async (_, options, request) => {
    const seen = await behind(options, request)
    expect(seen.state.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(seen.state.traceId).not.toBe(traceId)
    expect(seen.traceparent).toBe(`00-${seen.state.traceId}-${seen.state.spanId}-03`)
    expect([seen.tracestate, seen.baggage, seen.state.parentSpanId]).toEqual([undefined, undefined, undefined])
  })

  test('anybody’s trace goes on where that is said, its decision included', async () => {
    const seen = await behind({ accept: 'anybody' }, { headers: { ...named, traceparent: `00-${traceId}-${spanId}-00` } })
    expect(seen.state).toMatchObject({ traceId, isSampled: false })
  })

  test('a part of the traces that begin here is recorded', async () => {
    const clock = virtualClock()
    let recorded = 0
    for (let asked = 0; asked < 400; asked++) if ((await behind({ sample: 0.25, clock }, {})).state.isSampled) recorded++
    expect(recorded).toBeGreaterThan(60)
    expect(recorded).toBeLessThan(140)
  })
})

describe('with spans', () => {
  const exporter = new InMemorySpanExporter()
  beforeAll(() => {
    api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  })
  beforeEach(() => exporter.reset())
  afterAll(() => api.trace.disable())
  const spans = () => exporter.getFinishedSpans()
  const kinds = (kind: api.SpanKind): ReadableSpan[] => spans().filter((span) => span.kind === kind)

  test('a request and each attempt have one, with the names and attributes of the conventions', async () => {
    await using farm = await origins(2)
    if (farm.servers[0]) farm.servers[0].fault = { kind: 'reset-before-headers' }
    const balancer = createBalancer({ endpoints: farm.urls, strategy: 'round-robin' })
    const forward = proxy(balancer, { retries: { max: 1, budget: false } })
    const layer = trace({ api, accept: 'anybody', query: true, attributes: () => ({ tenant: 't1' }) })
    const handler = chain().use(layer).to(createRouter().mount('/users/*rest', forward))
    for (let asked = 0; asked < 2; asked++) {
      const answer = await call(handler, {
        url: 'https://api.example.com/users/7?token=secret&x=1',
        headers: { ...named, 'user-agent': 'agent' },
        client: proxied,
      })
      await answer.text()
    }
    const [server] = kinds(api.SpanKind.SERVER)
    expect(server?.name).toBe('GET /users/*rest')
    expect(server?.spanContext().traceId).toBe(traceId)
    expect(server?.parentSpanContext).toMatchObject({ spanId, isRemote: true })
    expect(server?.parentSpanContext?.traceState?.serialize()).toBe('a=1')
    expect(server?.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/users/*rest',
      'http.response.status_code': 200,
      'url.scheme': 'https',
      'url.path': '/users/7',
      'url.query': 'token=REDACTED&x=1',
      'server.address': 'api.example.com',
      'server.port': 443,
      'client.address': '192.0.2.1',
      'network.peer.address': '10.0.0.1',
      'user_agent.original': 'agent',
      tenant: 't1',
    })
    const failed = kinds(api.SpanKind.CLIENT).find(({ status }) => status.code === api.SpanStatusCode.ERROR)
    const again = kinds(api.SpanKind.CLIENT).find(({ attributes }) => attributes['http.request.resend_count'] === 1)
    expect(failed?.attributes).toMatchObject({ 'error.type': 'UPSTREAM_RESET' })
    expect(failed?.attributes['http.request.resend_count']).toBeUndefined()
    // It was not answered: 502 is what we would have told the client.
    expect(failed?.attributes['http.response.status_code']).toBeUndefined()
    expect(again?.attributes).toMatchObject({ 'http.response.status_code': 200, 'url.full': `${farm.urls[1]}/users/7` })
    expect(again?.parentSpanContext?.traceId).toBe(traceId)
    const told = farm.servers[1]?.requests.map(({ headers }) => headers['traceparent'])
    const attempts = kinds(api.SpanKind.CLIENT).map((span) => `00-${traceId}-${span.spanContext().spanId}-01`)
    expect(told?.every((parent) => attempts.includes(String(parent)))).toBe(true)
    layer.close()
    await forward.close()
    await balancer.close()
  })

  test('what clients say of theirs is linked, and no part of it', async () => {
    const handler = chain()
      .use(trace({ api }))
      .to(() => text('ok'))
    await (await call(handler, { headers: named })).text()
    const [span] = spans()
    expect(span?.spanContext().traceId).not.toBe(traceId)
    expect(span?.links[0]?.context).toMatchObject({ traceId, spanId })
    expect(span?.parentSpanContext).toBeUndefined()
  })

  test('spans that handlers make belong to it, waits in between or not', async () => {
    const handler = chain()
      .use(trace({ api }))
      .to(async () => {
        await new Promise(setImmediate)
        api.trace.getTracer('mine').startSpan('inner').end()
        return text('ok')
      })
    await (await call(handler)).text()
    const inner = spans().find(({ name }) => name === 'inner')
    expect(inner?.parentSpanContext?.spanId).toBe(kinds(api.SpanKind.SERVER)[0]?.spanContext().spanId)
  })

  test('what the SDK throws, or the function for attributes, is a warning, and the trace goes on without spans', async () => {
    const warnings: string[] = []
    const warn = (warning: Error) => void warnings.push(warning.message)
    process.on('warning', warn)
    onTestFinished(() => void process.off('warning', warn))
    await using farm = await origins(1)
    const forward = proxy(farm.urls[0] as string)
    const bad = (message: string) => () => {
      throw new Error(message)
    }
    const broken = { ...api, trace: { ...api.trace, getTracer: () => ({ startSpan: bad('full') }) } } as unknown as typeof api
    const tracers = { ...api, trace: Object.assign(Object.create(api.trace), { getTracer: half }) } as typeof api
    for (const options of [{ api: broken }, { api: tracers }, { api, attributes: bad('none') }]) {
      const layer = trace(options)
      const answer = await call(chain().use(layer).to(forward))
      expect(answer.status).toBe(200)
      await answer.text()
      layer.close()
    }
    for (const { headers } of farm.servers[0]?.requests ?? [])
      expect(headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0\d$/)
    await vi.waitUntil(() => warnings.length >= 3)
    expect(warnings.join()).toMatch(/full.*half.*none/s)
    // Of the last one there is a span all the same.
    expect(kinds(api.SpanKind.SERVER).at(-1)?.attributes['http.response.status_code']).toBe(200)
    await forward.close()

    /** Makes spans of requests, and none of attempts. */
    function half(name: string) {
      const tracer = api.trace.getTracer(name)
      return {
        startSpan(...[title, init, context]: Parameters<typeof tracer.startSpan>) {
          if (init?.kind === api.SpanKind.CLIENT) throw new Error('half')
          return tracer.startSpan(title, init, context)
        },
      }
    }
  })

  test.each([
    [
      'an error of ours',
      () => {
        throw new GatewayError('NO_ENDPOINT')
      },
      503,
      '503',
    ],
    [
      'an error of the handler',
      () => {
        throw new TypeError('x')
      },
      500,
      '500',
    ],
  ] as const)('%s is one', async (_, handler, status, type) => {
    const layered = chain().use(trace({ api })).to(handler)
    await (await call(layered)).text()
    expect(spans()[0]?.attributes['http.response.status_code']).toBe(status)
    expect(spans()[0]?.attributes['error.type']).toBe(type)
    expect(spans()[0]?.status.code).toBe(api.SpanStatusCode.ERROR)
  })

  test('a refusal is none, and a made-up method is told as it was', async () => {
    const handler = chain()
      .use(trace({ api }))
      .to(() => text('no', 404))
    await (await call(handler, { method: 'FROBNICATE' })).text()
    expect(spans()[0]?.status.code).toBe(api.SpanStatusCode.UNSET)
    expect(spans()[0]?.attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'FROBNICATE',
    })
  })
})

test('no identifier comes twice, and none is all zeros', async () => {
  const seen = new Set<string>()
  for (let asked = 0; asked < 1_500; asked++) {
    const { state } = await behind({}, { url: '/' })
    expect(state.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/)
    expect(state.spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/)
    seen.add(state.traceId).add(state.spanId)
  }
  expect(seen.size).toBe(3_000)
})

test('Server-Timing tells where the time went', async () => {
  const clock = virtualClock()
  const layer = serverTiming({ clock })
  const handler = chain()
    .use(layer)
    .to(async () => {
      await clock.advance(120)
      return text('ok')
    })
  expect((await call(handler)).headers.get('server-timing')).toBe('total;dur=120.0, upstream;dur=0.0, gateway;dur=120.0')
  await using farm = await origins(1)
  const forward = proxy(farm.urls[0] as string)
  const real = serverTiming()
  const told = (await call(chain().use(real).to(forward))).headers.get('server-timing') ?? ''
  const [, total, upstream] = /^total;dur=([\d.]+), upstream;dur=([\d.]+), gateway;dur=[\d.]+$/.exec(told) ?? []
  expect(Number(upstream)).toBeGreaterThan(0)
  expect(Number(upstream)).toBeLessThanOrEqual(Number(total))
  layer.close()
  real.close()
  await forward.close()
})
