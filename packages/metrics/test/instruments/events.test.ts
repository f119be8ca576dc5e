import { type Context, type Endpoint, type EventMap, GatewayError, publish } from '@gatelet/core'
import { prometheusMetrics } from '@gatelet/metrics'
import { expect, onTestFinished, test } from 'vitest'
import { figures } from './figures.ts'

const context = {} as Context
const endpoint: Endpoint = { id: 'a', weight: 2, inflight: 3, metadata: {} }
const error = new GatewayError('DISCOVERY_FAILED')
const policies = [
  { name: 'minute', remaining: 3, allowed: true },
  { name: 'day', remaining: 0, allowed: false },
]
const client = { address: '192.0.2.1', port: 1 }

type Told = { [N in keyof EventMap]: readonly [name: N, event: EventMap[N], figures: readonly Figure[]] }[keyof EventMap]
type Figure = readonly [name: string, labels: Readonly<Record<string, string>>, value: number]

const told: readonly Told[] = [
  [
    'auth:decided',
    { context, outcome: 'refused', reason: 'expired', scheme: undefined, subject: undefined },
    [['gatelet_auth_decisions_total', { gatelet_outcome: 'refused', gatelet_reason: 'expired', gatelet_scheme: '' }, 1]],
  ],
  [
    'auth:decided',
    { context, outcome: 'proved', reason: undefined, scheme: 'bearer', subject: 'ada' },
    [['gatelet_auth_decisions_total', { gatelet_outcome: 'proved', gatelet_reason: '', gatelet_scheme: 'bearer' }, 1]],
  ],
  [
    'rate:decided',
    { context, verdict: { allowed: false, source: 'store', policies, reason: 'quota' }, isShadow: false },
    [
      [
        'gatelet_rate_decisions_total',
        { gatelet_verdict: 'quota', gatelet_policy: 'day', gatelet_source: 'store', gatelet_shadow: 'false' },
        1,
      ],
    ],
  ],
  [
    'rate:decided',
    { context, verdict: { allowed: true, source: 'local', policies: [] }, isShadow: true },
    [
      [
        'gatelet_rate_decisions_total',
        { gatelet_verdict: 'allowed', gatelet_policy: '', gatelet_source: 'local', gatelet_shadow: 'true' },
        1,
      ],
    ],
  ],
  ['rate:banned', { key: 'x', forMs: 1 }, [['gatelet_rate_bans_total', {}, 1]]],
  ['rate:plan-failed', { key: 'x', error }, [['gatelet_rate_plan_failures_total', {}, 1]]],
  [
    'cache:answered',
    { context, cache: 'c', result: 'hit', isCollapsed: true },
    [['gatelet_cache_answers_total', { gatelet_cache: 'c', gatelet_result: 'hit', gatelet_collapsed: 'true' }, 1]],
  ],
  [
    'cache:stored',
    { cache: 'c', url: 'http://a/secret', bytes: 17 },
    [
      ['gatelet_cache_stores_total', { gatelet_cache: 'c' }, 1],
      ['gatelet_cache_stored_bytes_total', { gatelet_cache: 'c' }, 17],
    ],
  ],
  [
    'cache:store-failed',
    { cache: 'c', operation: 'get', error },
    [['gatelet_cache_store_failures_total', { gatelet_cache: 'c', gatelet_operation: 'get' }, 1]],
  ],
  [
    'store:changed',
    { store: 'redis', isAvailable: false, error },
    [
      ['gatelet_store_available', { gatelet_store: 'redis' }, 0],
      ['gatelet_store_outages_total', { gatelet_store: 'redis' }, 1],
    ],
  ],
  [
    'store:changed',
    { store: 'redis', isAvailable: true },
    [
      ['gatelet_store_available', { gatelet_store: 'redis' }, 1],
      ['gatelet_store_outages_total', { gatelet_store: 'redis' }, 0],
    ],
  ],
  ['part:failed', { context, part: 'stock', error }, [['gatelet_aggregation_part_failures_total', { gatelet_part: 'stock' }, 1]]],
  [
    'request:mirrored',
    { context, outcome: 'skipped', durationMs: 0 },
    [['gatelet_mirror_copies_total', { gatelet_outcome: 'skipped' }, 1]],
  ],
  [
    'request:split',
    { context, variant: 'new', why: 'sticky', split: 's' },
    [['gatelet_split_choices_total', { gatelet_split: 's', gatelet_variant: 'new', gatelet_why: 'sticky' }, 1]],
  ],
  [
    'request:failed',
    { context, error: new GatewayError('QUEUE_FULL') },
    [['gatelet_request_errors_total', { error_type: 'QUEUE_FULL', gatelet_side: 'gateway' }, 1]],
  ],
  [
    'request:failed',
    { context, error: 'anything' },
    [['gatelet_request_errors_total', { error_type: 'INTERNAL', gatelet_side: 'gateway' }, 1]],
  ],
  ['queue:joined', { waiting: 4, balancer: 'b' }, [['gatelet_queue_waiting', { gatelet_balancer: 'b' }, 4]]],
  [
    'queue:left',
    { outcome: 'queue-timeout', waitedMs: 20, waiting: 3 },
    [
      ['gatelet_queue_waiting', { gatelet_balancer: '' }, 3],
      ['gatelet_queue_duration_seconds', { gatelet_balancer: '', gatelet_outcome: 'queue-timeout' }, 1],
    ],
  ],
  [
    'discovery:updated',
    { source: 'dns', endpoints: 3, skipped: 1, balancer: 'b' },
    [
      ['gatelet_discovery_updates_total', { gatelet_balancer: 'b', gatelet_source: 'dns', gatelet_outcome: 'updated' }, 1],
      ['gatelet_discovery_endpoints', { gatelet_balancer: 'b', gatelet_source: 'dns' }, 3],
      ['gatelet_discovery_skipped', { gatelet_balancer: 'b', gatelet_source: 'dns' }, 1],
    ],
  ],
  [
    'discovery:failed',
    { source: 'dns', error },
    [['gatelet_discovery_updates_total', { gatelet_balancer: '', gatelet_source: 'dns', gatelet_outcome: 'failed' }, 1]],
  ],
  [
    'load:changed',
    { pressure: 0.5, delayMs: 30 },
    [
      ['gatelet_load_pressure_ratio', {}, 0.5],
      ['gatelet_load_delay_seconds', {}, 0.03],
    ],
  ],
  [
    'endpoint:changed',
    { endpoint, change: 'ejected', reason: 'five failures', balancer: 'b' },
    [
      ['gatelet_endpoint_changes_total', { gatelet_balancer: 'b', gatelet_endpoint: 'a', gatelet_change: 'ejected' }, 1],
      ['gatelet_endpoint_weight', { gatelet_balancer: 'b', gatelet_endpoint: 'a' }, 2],
      ['gatelet_endpoint_active_requests', { gatelet_balancer: 'b', gatelet_endpoint: 'a' }, 3],
    ],
  ],
  [
    'endpoint:changed',
    { endpoint, change: 'removed' },
    [
      ['gatelet_endpoint_changes_total', { gatelet_endpoint: 'a', gatelet_change: 'removed' }, 1],
      ['gatelet_endpoint_weight', {}, 0],
    ],
  ],
  [
    'connection:finished',
    { client, endpoint, outcome: 'failed', received: 10, sent: 20, durationMs: 1 },
    [
      ['gatelet_tcp_connection_duration_seconds', { gatelet_endpoint: 'a', gatelet_outcome: 'failed' }, 1],
      ['gatelet_tcp_io_bytes_total', { gatelet_endpoint: 'a', network_io_direction: 'receive' }, 10],
      ['gatelet_tcp_io_bytes_total', { gatelet_endpoint: 'a', network_io_direction: 'transmit' }, 20],
    ],
  ],
]

test.each(told)('%s is counted: %j', async (name, event, expected) => {
  const metrics = prometheusMetrics()
  onTestFinished(() => metrics.close())
  publish(name, event as never)
  const found = await figures(metrics.handler)
  for (const [metric, labels, value] of expected) {
    expect(found.names).toContain(metric)
    expect(found.of(metric, labels)).toBe(value)
  }
})
