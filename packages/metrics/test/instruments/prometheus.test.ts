import { once } from 'node:events'
import { createBalancer } from '@gatelet/balancer'
import { chain, GatewayError, type Handler, isHeard, publish, subscribe, text } from '@gatelet/core'
import { type PrometheusOptions, prometheusMetrics, type RegistryLike, trace } from '@gatelet/metrics'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { call, exchange, origins, virtualClock } from '@gatelet/testing'
import { webSocket } from '@gatelet/websocket'
import client from 'prom-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { figures, read } from './figures.ts'

function counting(options: PrometheusOptions = {}) {
  const metrics = prometheusMetrics(options)
  onTestFinished(() => metrics.close())
  return metrics
}

const requests = 'http_server_request_duration_seconds'
const OPEN = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1'

describe('requests', () => {
  test('are told by method, status, route and version, and never by what else a client wrote', async () => {
    const metrics = counting()
    const router = createRouter()
      .get('/users/:id', () => text('ok'))
      .post('/users/:id', () => text('ok'))
    await call(router, '/users/secret-7')
    await call(router, { method: 'POST', url: '/users/secret-8' })
    await call(router, { method: 'secret', url: '/users/9' })
    await call(router, '/secret-elsewhere')
    const found = await figures(metrics.handler)
    expect(found.series(requests)).toEqual([
      { http_request_method: 'GET', http_response_status_code: '200', http_route: '/users/:id', ...plain },
      { http_request_method: 'POST', http_response_status_code: '200', http_route: '/users/:id', ...plain },
      { http_request_method: '_OTHER', http_response_status_code: '501', error_type: '501', ...plain },
      { http_request_method: 'GET', http_response_status_code: '404', ...plain },
    ])
    expect(await (await call(metrics.handler)).text()).not.toContain('secret')
  })

  test('that fail have the code of their error; that clients leave are 499', async () => {
    const metrics = counting()
    await call(() => {
      throw new GatewayError('NO_ENDPOINT')
    })
    await call(() => text('sorry', 500))
    const left = exchange()
    void left.ask(() => new Promise(() => {}))
    left.abort()
    const found = await figures(metrics.handler)
    expect(found.of(requests, { error_type: 'NO_ENDPOINT', http_response_status_code: '503' })).toBe(1)
    expect(found.of(requests, { error_type: '500', http_response_status_code: '500' })).toBe(1)
    expect(found.of(requests, { error_type: 'CLIENT_CLOSED', http_response_status_code: '499' })).toBe(1)
    expect(found.of('gatelet_request_errors_total', { error_type: 'NO_ENDPOINT' })).toBe(1)
  })

  test('that are under way are active', async () => {
    const metrics = counting()
    let answer = () => {}
    const slow: Handler = () =>
      new Promise((resolve) => {
        answer = () => resolve(text('ok'))
      })
    const asking = call(slow)
    // The one that asks is under way itself.
    expect((await figures(metrics.handler)).of('http_server_active_requests')).toBe(2)
    answer()
    await asking
    expect((await figures(metrics.handler)).of('http_server_active_requests')).toBe(1)
  })

  test('have their time split between the gateway and the upstream', async () => {
    const metrics = counting()
    const clock = virtualClock()
    const handler: Handler = async (context) => {
      await clock.advance(30)
      const outcome = { kind: 'success', latencyMs: 20, status: 200 } as const
      publish('upstream:attempted', { context, endpoint: { id: 'a', weight: 1, inflight: 0, metadata: {} }, attempt: 0, outcome })
      await clock.advance(500)
      return text('ok')
    }
    await exchange('/', { clock }).ask(handler)
    const sums = await sumsOf(metrics.handler)
    expect(sums).toMatchObject({
      [requests]: 0.53,
      gatelet_request_gateway_duration_seconds: 0.01,
      gatelet_request_upstream_duration_seconds: 0.02,
    })
  })
})

const plain = { network_protocol_version: '1.1', url_scheme: 'http' }

async function sumsOf(handler: Handler): Promise<Record<string, number>> {
  const body = await (await call(handler)).text()
  return Object.fromEntries([...body.matchAll(/^(\w+)_sum\S* (\S+)$/gm)].map(([, name, sum]) => [name, Number(sum)]))
}

describe('upstreams', () => {
  test('are told by address, and their endpoints by id, state and what they have in flight', async () => {
    const metrics = counting()
    await using farm = await origins(2)
    const balancer = createBalancer({ endpoints: farm.urls, name: 'users', strategy: 'round-robin', limits: { perEndpoint: 5 } })
    const forward = proxy(balancer)
    for (let at = 0; at < 4; at++) await (await call(forward)).text()
    const found = await figures(metrics.handler)
    for (const url of farm.urls) {
      const { hostname, port } = new URL(url)
      const at = { server_address: hostname, server_port: port, http_response_status_code: '200' }
      expect(found.of('http_client_request_duration_seconds', at)).toBe(2)
      const endpoint = { gatelet_endpoint: url, gatelet_balancer: 'users' }
      expect(found.of('gatelet_endpoint_state', { ...endpoint, gatelet_state: 'active' })).toBe(1)
      expect(found.of('gatelet_endpoint_state', { ...endpoint, gatelet_state: 'ejected' })).toBe(0)
      expect(found.of('gatelet_endpoint_limit', endpoint)).toBe(5)
    }
    await forward.close()
    await balancer.close()
  })

  test('that are asked again are counted as retries, and a failure has its code and no status', async () => {
    const metrics = counting()
    await using farm = await origins(2)
    await farm.stop(0)
    const balancer = createBalancer({ endpoints: farm.urls, strategy: 'first-available' })
    const forward = proxy(balancer)
    expect((await call(forward)).status).toBe(200)
    const found = await figures(metrics.handler)
    const failed = { error_type: 'UPSTREAM_CONNECT_FAILED', http_response_status_code: '' }
    expect(found.of('http_client_request_duration_seconds', failed)).toBe(1)
    expect(found.of('gatelet_upstream_attempts_total', { gatelet_outcome: 'failure' })).toBe(1)
    expect(found.of('gatelet_upstream_resends_total', { gatelet_kind: 'retry' })).toBe(1)
    await forward.close()
    await balancer.close()
  })

  test('that are gone make room for others, and their figures stay until then', async () => {
    const metrics = counting({ maxSeries: 3 })
    const balancer = createBalancer({ endpoints: ['http://a.test'] })
    for (const host of ['b', 'c', 'd']) {
      balancer.add(`http://${host}.test`)
      await balancer.remove(`http://${host}.test`)
    }
    const found = await figures(metrics.handler)
    expect(found.series('gatelet_endpoint_changes_total').map(({ gatelet_endpoint: id }) => id)).toContain('http://d.test')
    expect(found.of('gatelet_endpoint_weight')).toBe(1)
    await balancer.close()
  })

  test('that come and go for weeks leave room for how long attempts at those of today take', async () => {
    const metrics = counting({ maxSeries: 6 })
    const { ctx: context } = exchange('/')
    for (let pod = 0; pod < 50; pod++) {
      const endpoint = { id: `pod-${pod}`, weight: 1, inflight: 0, metadata: {} }
      const outcome = { kind: 'success', latencyMs: 1, status: 200 } as const
      publish('endpoint:changed', { endpoint, change: 'added' })
      publish('upstream:attempted', { context, endpoint, attempt: 0, outcome, origin: new URL(`http://10.0.0.${pod}`) })
      publish('endpoint:changed', { endpoint, change: 'removed' })
    }
    const found = await figures(metrics.handler)
    expect(found.of('http_client_request_duration_seconds', { server_address: '10.0.0.49' })).toBe(1)
    expect(found.of('http_client_request_duration_seconds', { server_address: '_other' })).toBe(0)
  })
})

test('WebSockets are no requests that take long: they have figures of their own', async () => {
  const metrics = counting()
  const router = createRouter().get(
    '/chat',
    webSocket({ onConnection: (chat) => chat.onMessage((said) => void chat.send(said)) }),
  )
  await using server = await serve(router, { port: 0, host: '127.0.0.1' })
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/chat`)
  await once(socket, 'open')
  socket.send('hello')
  await once(socket, 'message')
  const at = { http_route: '/chat' }
  const open = await figures(metrics.handler)
  expect(open.of('gatelet_websocket_active_connections', at)).toBe(1)
  expect(open.of('http_server_active_requests')).toBe(1)
  socket.close()
  await once(socket, 'close')
  await vi.waitUntil(async () => (await figures(metrics.handler)).of('gatelet_websocket_active_connections') === 0)
  const found = await figures(metrics.handler)
  expect(found.of('gatelet_websocket_connections_total', at)).toBe(1)
  expect(found.of('gatelet_websocket_connection_duration_seconds', at)).toBe(1)
  for (const direction of ['receive', 'transmit']) {
    expect(found.of('gatelet_websocket_messages_total', { ...at, network_io_direction: direction })).toBe(1)
    expect(found.of('gatelet_websocket_io_bytes_total', { ...at, network_io_direction: direction })).toBe(5)
  }
  expect(found.of(requests, at)).toBe(0)
})

describe('the handler', () => {
  test.each([
    [undefined, 'text/plain; version=0.0.4; charset=utf-8'],
    ['*/*', 'text/plain; version=0.0.4; charset=utf-8'],
    [OPEN, 'application/openmetrics-text; version=1.0.0; charset=utf-8'],
    ['application/openmetrics-text;q=0', 'text/plain; version=0.0.4; charset=utf-8'],
    ['text/plain, application/openmetrics-text;q=0.9', 'text/plain; version=0.0.4; charset=utf-8'],
  ])('asked for %s answers with %s', async (accept, type) => {
    const metrics = counting()
    const reply = await call(metrics.handler, { headers: accept === undefined ? {} : { accept } })
    expect(reply.headers.get('content-type')).toBe(type)
    expect((await reply.text()).endsWith('# EOF\n')).toBe(type.startsWith('application'))
  })

  test('is for reading', async () => {
    const metrics = counting()
    const reply = await call(metrics.handler, { method: 'POST' })
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('tells the last recorded trace of each bucket, in OpenMetrics', async () => {
    const metrics = counting()
    const router = createRouter().get('/a', () => text('ok'))
    await call(
      chain()
        .use(trace({ accept: 'anybody' }))
        .to(router),
      {
        url: '/a',
        headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
      },
    )
    const asked = await (await call(metrics.handler, { headers: { accept: OPEN } })).text()
    expect(asked).toMatch(
      /http_server_request_duration_seconds_bucket\{le="[^}]*\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c",span_id="[0-9a-f]{16}"\} \S+ \d+(\.\d+)?\n/,
    )
    expect(await (await call(metrics.handler)).text()).not.toContain('trace_id')
  })

  test('tells no trace that is not recorded, nor any when it must not', async () => {
    const without = counting({ exemplars: false })
    const metrics = counting()
    const router = createRouter().get('/a', () => text('ok'))
    await call(
      chain()
        .use(trace({ sample: 0 }))
        .to(router),
      '/a',
    )
    expect(await (await call(metrics.handler, { headers: { accept: OPEN } })).text()).not.toContain('trace_id')
    await call(chain().use(trace()).to(router), '/a')
    expect(await (await call(without.handler, { headers: { accept: OPEN } })).text()).not.toContain('trace_id')
  })
})

describe('a registry', () => {
  test('has the figures of the application beside those of the gateway, and is left as it was', async () => {
    const registry = new client.Registry()
    registry.setDefaultLabels({ app: 'shop' })
    const orders = new client.Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] })
    orders.inc(3)
    const metrics = prometheusMetrics({ registry })
    await call(() => text('ok'))
    const open = await (await call(metrics.handler, { headers: { accept: OPEN } })).text()
    expect(open).toContain('\norders_total{app="shop"} 3\n')
    const found = await figures(metrics.handler)
    expect(found.of('orders_total', { app: 'shop' })).toBe(3)
    expect(found.of(requests, { app: 'shop' })).toBe(2)
    // Its own texts have them too.
    expect(read(await registry.metrics()).of(requests)).toBe(found.of(requests) + 1)
    metrics.close()
    expect(registry.getMetricsAsArray()).toHaveLength(1)
  })

  test('that writes OpenMetrics by itself has counters with one _total', async () => {
    const registry = new client.Registry<client.RegistryContentType>()
    registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE)
    const metrics = counting({ registry })
    await call(() => {
      throw new GatewayError('NO_ENDPOINT')
    })
    const line = 'gatelet_request_errors_total{error_type="NO_ENDPOINT",gatelet_side="gateway"} 1\n'
    expect(await registry.metrics()).toContain(line)
    registry.setContentType(client.Registry.PROMETHEUS_CONTENT_TYPE)
    expect(await registry.metrics()).toContain(line)
    expect(await (await call(metrics.handler)).text()).toContain(line)
  })

  test('can set all to 0', async () => {
    const registry = new client.Registry()
    const metrics = counting({ registry })
    await call(() => text('ok'))
    registry.resetMetrics()
    expect((await figures(metrics.handler)).of(requests)).toBe(0)
    await call(() => text('ok'))
    // And those two that asked.
    expect((await figures(metrics.handler)).of(requests)).toBe(2)
  })

  test('is taken as the module too, and not twice', () => {
    counting({ registry: client })
    expect(() => prometheusMetrics({ registry: client })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', path: 'registry' }),
    )
    // The one that was not made does not count either.
    expect(client.register.getSingleMetric(requests)).toBeDefined()
  })
})

describe('a sink', () => {
  const slow = (collect: () => Promise<void>) => {
    const registry = new client.Registry()
    new client.Gauge({ name: 'slow', help: 'Takes its time.', registers: [registry], collect })
    return registry
  }

  test('that never answers holds up nobody, and who collects is told after a while', async () => {
    const clock = virtualClock()
    const metrics = counting({ registry: slow(() => new Promise(() => {})), clock, timeoutMs: 1_000 })
    const collecting = [call(metrics.handler), call(metrics.handler)]
    for (let at = 0; at < 10; at++) expect((await call(() => text('ok'))).status).toBe(200)
    await clock.advance(1_000)
    expect((await Promise.all(collecting)).map(({ status }) => status)).toEqual([503, 503])
    expect(clock.pending).toBe(0)
  })

  test('that throws fails who collects alone', async () => {
    const registry = slow(async () => {
      throw new Error('secret')
    })
    const metrics = counting({ registry })
    const reply = await call(metrics.handler)
    expect(reply.status).toBe(500)
    expect(await reply.text()).not.toContain('secret')
    expect((await call(() => text('ok'))).status).toBe(200)
  })

  test('is asked once for all who collect at the same time', async () => {
    let asked = 0
    const registry: RegistryLike = {
      registerMetric() {},
      removeSingleMetric() {},
      contentType: '',
      async getMetricsAsJSON() {
        asked++
        return []
      },
    }
    const metrics = counting({ registry })
    await Promise.all([call(metrics.handler), call(metrics.handler)])
    expect(asked).toBe(1)
    await call(metrics.handler)
    expect(asked).toBe(2)
  })

  test('of another listener that throws changes no figure', async () => {
    const warned = once(process, 'warning')
    const undo = subscribe('request:finished', () => {
      throw new Error('a listener')
    })
    const metrics = counting()
    expect((await call(() => text('ok'))).status).toBe(200)
    undo()
    expect((await figures(metrics.handler)).of(requests)).toBe(1)
    await warned
  })
})

test('routes beyond the bound are counted together, and none is lost', async () => {
  const metrics = counting({ maxSeries: 10 })
  const router = createRouter()
  for (let at = 0; at < 50; at++) router.get(`/r${at}`, () => text('ok'))
  for (let at = 0; at < 100; at++) await call(router, `/r${at % 50}`)
  const found = await figures(metrics.handler)
  expect(found.of(requests)).toBe(100)
  expect(found.series(requests)).toHaveLength(11)
  expect(found.of(requests, { http_route: '_other', http_request_method: '_other' })).toBe(80)
})

test('closed, it listens to nothing', async () => {
  const metrics = prometheusMetrics()
  expect(isHeard('request:finished')).toBe(true)
  metrics.close()
  metrics.close()
  const heard = ['request:started', 'request:finished', 'upstream:attempted', 'endpoint:changed', 'websocket:passed'] as const
  expect(heard.filter(isHeard)).toEqual([])
})
