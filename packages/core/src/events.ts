import { channel } from 'node:diagnostics_channel'
import type { Endpoint, Explanation, Outcome, Refusal } from './balancing.ts'
import type { Context, Summary } from './contract.ts'
import type { GatewayError } from './errors.ts'
import { guarded } from './listeners.ts'

/**
 * What happened, by name. Each name is a channel of `node:diagnostics_channel` with `gatelet:` before it. Metrics,
 * access log, traces and the dashboard all listen here, so that each module is seen without being imported.
 */
export interface EventMap {
  /**
   * A request of a client is here, before the first layer sees it. `request:finished` follows once; `exchangeOf` tells that both
   * are about the same one, whatever layers made of the context.
   */
  'request:started': { readonly context: Context }
  /**
   * An exchange is over: exactly one per request, and one for each work in the background and each call of
   * `balancedFetch`, with status 0.
   */
  'request:finished': { readonly context: Context; readonly summary: Summary }
  /** An error reached the edge and was turned into a reply, or broke one off. */
  'request:failed': { readonly context: Context; readonly error: unknown }
  /**
   * What a client sent was answered with `error.status` although it was no request that layers could have been asked for: no HTTP, a
   * head that is too long, a `CONNECT`. Nothing else is told of it. Told by servers of ours; behind a framework its own server answers.
   */
  'request:unreadable': {
    /** As far as it is known: the other end of the connection. */
    readonly client: { readonly address: string; readonly port: number }
    readonly error: GatewayError
  }
  /**
   * A router chose a route for an exchange; `route` is its pattern, so there are no more of them than routes. A router that
   * is mounted in another one tells it again, with the longer pattern: the last one counts.
   */
  'request:routed': { readonly context: Context; readonly route: string }
  /**
   * A traffic split chose one of its backends for a request. `variant` is its name, of which there are no more than backends.
   * `weight`: by chance. `sticky`: by the key or the cookie of the request. `forced`: by a header field or a cookie that says so.
   */
  'request:split': {
    readonly context: Context
    readonly variant: string
    readonly why: 'weight' | 'sticky' | 'forced'
    /** The name of the split, where it has one. */
    readonly split?: string
  }
  /**
   * A copy of a request was sent to a mirror, or was not. `skipped`: too many were under way, or the body was too long or not
   * read to its end.
   */
  'request:mirrored': {
    /** The request that was copied. */
    readonly context: Context
    readonly outcome: 'answered' | 'failed' | 'timeout' | 'skipped'
    readonly status?: number
    readonly durationMs: number
    readonly error?: unknown
  }
  /** Whether a request was let through by `auth`, and why not. Of the credential it tells nothing. */
  'auth:decided': {
    readonly context: Context
    /** `denied`: it was proved who asks, and they may not. `unavailable`: that could not be found out. */
    readonly outcome: 'proved' | 'absent' | 'refused' | 'denied' | 'unavailable'
    /** Stable and short: `expired`, `scope`. */
    readonly reason: string | undefined
    readonly scheme: string | undefined
    readonly subject: string | undefined
    /** Why it is `unavailable`: the store or the issuer that is away, the function that failed. */
    readonly error?: unknown
  }
  /**
   * A part of an aggregated reply could not be had: the reply is made without it, or not at all where it is required. Told
   * once for each, and not for those that were cancelled since another one failed.
   */
  'part:failed': { readonly context: Context; readonly part: string; readonly error: unknown }
  /** One attempt at one endpoint is over. `attempt` counts from 0. */
  'upstream:attempted': {
    readonly context: Context
    readonly endpoint: Endpoint
    readonly attempt: number
    readonly outcome: Outcome
    readonly error?: unknown
    /** Where the endpoint was asked; undefined for a function. */
    readonly origin?: URL | undefined
    /** It was made while another attempt for the same request was under way. */
    readonly isHedge?: boolean
  }
  /**
   * A request of a client was answered by another protocol on its connection: a WebSocket is open. It is over with the
   * `request:finished` of the same exchange.
   */
  'request:upgraded': { readonly context: Context }
  /**
   * Messages have passed on a WebSocket of a client: `received` from it, or `sent` to it. `bytes` are those of the messages, or, where
   * they are passed on as they come, those of their frames.
   */
  'websocket:passed': {
    readonly context: Context
    readonly direction: 'received' | 'sent'
    readonly messages: number
    readonly bytes: number
  }
  /** A connection that was forwarded byte for byte is over. */
  'connection:finished': {
    readonly client: { readonly address: string; readonly port: number }
    /** Undefined where there was none, or none could be connected to. */
    readonly endpoint?: Endpoint
    /** `refused`: no endpoint took it. `failed`: one side broke it off, or was silent for too long. */
    readonly outcome: 'finished' | 'failed' | 'refused'
    /** Bytes from the client, and to it. */
    readonly received: number
    readonly sent: number
    readonly durationMs: number
    readonly error?: unknown
  }
  /** More or less is shed than before, since this process is more or less busy. See `loadShedder` for `pressure`. */
  'load:changed': { readonly pressure: number; readonly delayMs: number }
  /** How many requests an endpoint may have in flight has changed, since its latency did. */
  'limit:changed': {
    readonly endpoint: Endpoint
    readonly limit: number
    /** As for `endpoint:changed`. */
    readonly balancer?: string
  }
  /** A request waits in the queue of a balancer, with which so many wait. */
  'queue:joined': { readonly waiting: number; readonly balancer?: string }
  /** A request does not wait in the queue any more, or found no room there. `waiting` are those that still do. */
  'queue:left': {
    /** `served`: it has its endpoint. `failed`: a function that looks at requests threw. Otherwise why it was refused. */
    readonly outcome: 'served' | 'failed' | Refusal['reason']
    readonly waitedMs: number
    readonly waiting: number
    readonly balancer?: string
  }
  /** Membership or health of an endpoint changed. */
  'endpoint:changed': {
    readonly endpoint: Endpoint
    readonly change:
      | 'added'
      | 'removed'
      | 'draining'
      | 'weighted'
      | 'ejected'
      | 'half-open'
      | 'readmitted'
      | 'unhealthy'
      | 'healthy'
    readonly reason?: string
    /** The name of its balancer, where that has one: two balancers may know an endpoint by the same id. */
    readonly balancer?: string
  }
  /** A balancer took over the list of endpoints that its discovery source found; `skipped` entries of it were not right. */
  'discovery:updated': {
    readonly source: string
    readonly endpoints: number
    readonly skipped: number
    readonly balancer?: string
  }
  /** A discovery source could not be asked, or its answer is not used: the endpoints of the answer before stay. */
  'discovery:failed': { readonly source: string; readonly error: GatewayError; readonly balancer?: string }
  /**
   * A store for many processes is not asked any more, since it failed several times running; or it answers again. In between,
   * requests go by what their layer says for that case. `store` names its kind: `redis`, `cluster`.
   */
  'store:changed': { readonly store: string; readonly isAvailable: boolean; readonly error?: GatewayError }
  /**
   * A rate limiter has decided: before the handler answers, and after a wait where it lets requests wait. `isShadow`: the verdict
   * is told, and the request passes whatever it says.
   */
  'rate:decided': {
    readonly context: Context
    readonly verdict: {
      readonly allowed: boolean
      /** Who has counted: the store, this process while the store is away, or nobody. */
      readonly source: 'store' | 'local' | 'none'
      readonly policies: readonly { readonly name: string; readonly remaining: number; readonly allowed: boolean }[]
      /** Why it is not allowed: see `LimitedVerdict`. */
      readonly reason?: 'quota' | 'ban' | 'unknown'
    }
    readonly isShadow: boolean
    /** Why the store could not be asked. */
    readonly error?: unknown
  }
  /** Somebody was refused so often that a rate limiter shuts them out for a while. `key` is who, as the limiter counts. */
  'rate:banned': { readonly key: string; readonly forMs: number }
  /** The plan of a key could not be looked up, or is none: the one that was known before holds, or else the limiter's own policies. */
  'rate:plan-failed': { readonly key: string; readonly error: unknown }
  /**
   * A cache has answered a request, or passed it on. `cache` is its name, as in `Cache-Status`; `stale`: while somebody asks again, or in
   * place of an error; `revalidated`: the upstream said that what is stored holds. Told once for each request that came to it.
   */
  'cache:answered': {
    readonly context: Context
    readonly cache: string
    readonly result: 'hit' | 'stale' | 'revalidated' | 'miss' | 'bypass'
    /** A stable word on the reason, as in `Cache-Status`. */
    readonly detail?: string | undefined
    /** Of the body, where they are known. */
    readonly bytes?: number | undefined
    /** It waited for what another request asked. */
    readonly isCollapsed: boolean
  }
  /** A cache has stored a reply. */
  'cache:stored': { readonly cache: string; readonly url: string; readonly bytes: number }
  /** The store of a cache failed, or gave what cannot be. Requests go to the upstream meanwhile. */
  'cache:store-failed': { readonly cache: string; readonly operation: string; readonly error: unknown }
  /** Why an endpoint was picked, or none, for one of the requests that their balancer samples. */
  'endpoint:explained': {
    readonly explanation: Explanation
    /** Missing for calls that are not HTTP requests. */
    readonly context?: Context
    readonly balancer?: string
  }
}

const channels = new Map<string, ReturnType<typeof channel>>()

function channelOf(name: string): ReturnType<typeof channel> {
  const found = channels.get(name) ?? channel(`gatelet:${name}`)
  channels.set(name, found)
  return found
}

/** Whether anybody listens; ask it before you build an event on the hot path. */
export function isHeard(name: keyof EventMap): boolean {
  return channelOf(name).hasSubscribers
}

/** Tells everybody who listens. Does nothing when nobody does. */
export function publish<N extends keyof EventMap>(name: N, event: EventMap[N]): void {
  const target = channelOf(name)
  if (target.hasSubscribers) target.publish(event)
}

/**
 * Listens to one kind of event. A listener that throws (or whose promise rejects) is told of by `process.emitWarning` and
 * disturbs nobody: an error in a plain `diagnostics_channel` subscriber would end the process.
 * @returns its undo
 */
export function subscribe<N extends keyof EventMap>(name: N, listener: (event: EventMap[N]) => void): () => void {
  const subscriber = (event: unknown) => guarded(listener, event as EventMap[N], `gatelet:${name}`)
  const target = channelOf(name)
  target.subscribe(subscriber)
  return () => void target.unsubscribe(subscriber)
}
