import { type Checks, checkOptions, options } from '@gatelet/core'
import { consulEndpoints } from './consul-answer.ts'
import { type SchemeOptions, schemeChecks } from './endpoint-of.ts'
import { getJson } from './http.ts'
import { rounds } from './rounds.ts'
import { type Secret, said, secret } from './secret.ts'
import type { DiscoverySource } from './source.ts'

/** Which services of a Consul catalogue are taken, and how its agent is asked. */
export interface ConsulOptions extends SchemeOptions {
  /** Where the agent is. Default `http://127.0.0.1:8500`. */
  address?: string | URL
  /** Sent as `X-Consul-Token`. Default: none. */
  token?: Secret
  /** Only services with all of these tags, at most 100. Default: any. */
  tags?: readonly string[]
  /** Only those whose checks all pass. False: also those with a warning, by their weight for it; never critical ones. Default true. */
  onlyPassing?: boolean
  /** An expression of Consul's own for what is to be found: `Service.Meta.version == "2"`. */
  filter?: string
  /** Default: that of the agent. */
  datacenter?: string
  /** A node to sort by distance from, `_agent` for the agent's; what is beyond `maxEndpoints` is then what is far. */
  near?: string
  /** Of Consul Enterprise. */
  namespace?: string
  /** How long the agent may wait for a change before it answers, in milliseconds, 1,000 to 600,000. Default 300,000. */
  waitMs?: number
  /** The longest wait before the next try after a failure, in milliseconds, at least 1. Default 30,000. */
  maxRetryMs?: number
  /** Certificates of authorities to trust for https, in PEM. Default: those of Node. */
  ca?: string
}

/**
 * The healthy instances of a service in Consul, by blocking queries: a change is seen at once. Weights come from the service,
 * its `Meta` becomes metadata, and `consul` in there holds id, node, datacenter and tags. An answer of more than 64 MiB is a
 * failure.
 * @throws GatewayError `BAD_OPTION`
 */
export function consul(service: string, given: ConsulOptions = {}): DiscoverySource {
  const checked = checkOptions<ConsulOptions & { service: string }>(
    'consul',
    { ...given, service },
    { ...checks, service: options.string },
  )
  const { token, waitMs = 300_000, maxRetryMs = 30_000, ca } = checked
  const query = queryOf(checked)
  return {
    name: `consul ${service}`,
    watch(observer) {
      const { clock } = observer
      let index = 0
      return rounds(observer, maxRetryMs, async (signal) => {
        const asked = index
        const url = new URL(query)
        url.searchParams.set('wait', `${Math.round(waitMs)}ms`)
        if (asked > 0) url.searchParams.set('index', String(asked))
        const headers = token === undefined ? {} : { 'x-consul-token': await said(token, 'token') }
        // The agent adds up to a sixteenth to the wait, so that not all ask again at once.
        const timeoutMs = waitMs * (1 + 1 / 16) + SLACK_MS
        // A failure forgets the index: the next look is answered at once, and shows what was missed.
        index = 0
        const { header, body } = await getJson({ url, headers, ca, timeoutMs, signal, clock })
        index = nextIndex(header('x-consul-index'), asked)
        observer.found(consulEndpoints(body, checked))
        return PAUSE_MS * (0.5 + clock.random())
      })
    },
  }
}

/**
 * The index for the next query: 0, which is answered at once, where the agent says none that can be used, or one lower than
 * before: its state was restored, and a query with the old one would wait for a change that was long ago.
 */
export function nextIndex(said: string | undefined, before: number): number {
  const index = Number(said)
  return Number.isSafeInteger(index) && index > 0 && index >= before ? index : 0
}

const { boolean, httpUrl, list, milliseconds, number, optional, string } = options

const checks: Checks<ConsulOptions> = {
  ...schemeChecks,
  address: optional(httpUrl),
  token: optional(secret),
  tags: optional(list(string, { max: 100 })),
  onlyPassing: optional(boolean),
  filter: optional(string),
  datacenter: optional(string),
  near: optional(string),
  namespace: optional(string),
  waitMs: optional(number({ min: 1_000, max: 600_000, unit: 'milliseconds' })),
  maxRetryMs: optional(milliseconds()),
  ca: optional(string),
}

const SLACK_MS = 10_000
// A service that changes without end must not be asked without end.
const PAUSE_MS = 200

function queryOf(given: ConsulOptions & { service: string }): URL {
  const { address = 'http://127.0.0.1:8500', service, tags = [], onlyPassing = true, filter, datacenter, near, namespace } = given
  const base = new URL(address)
  const url = new URL(`${base.pathname.replace(/\/$/, '')}/v1/health/service/${encodeURIComponent(service)}`, base)
  if (onlyPassing) url.searchParams.set('passing', '1')
  for (const tag of tags) url.searchParams.append('tag', tag)
  for (const [name, value] of Object.entries({ filter, dc: datacenter, near, ns: namespace })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}
