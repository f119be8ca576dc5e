import { type BalancerOptions, createBalancer, type ManagedBalancer } from '@gatelet/balancer'
import { GatewayError, type Handler, type Layer, type Outcome, subscribe } from '@gatelet/core'
import type { ServeOptions } from '@gatelet/node'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { baseline, type RawScript, type RawServer, rawServer } from '@gatelet/testing'
import { expect } from 'vitest'
import { type Front, node } from '../../attack/support/fronts.ts'
import { countingClock } from './counting-clock.ts'

/** What a fault is played with. */
export interface SceneOptions {
  readonly front?: Front
  /** One for each endpoint; `refuses` is a port where nobody listens. */
  readonly servers: readonly (RawScript | 'refuses')[]
  readonly proxy?: ProxyOptions
  readonly balancer?: Partial<Omit<BalancerOptions, 'endpoints'>>
  readonly serve?: ServeOptions
  readonly layers?: (forward: Handler) => Layer
  /** What is told as a warning or an uncaught error, and only that. Default: nothing may be. */
  readonly tells?: RegExp
}

/** A gateway before servers that do something wrong. */
export interface Scene {
  readonly port: number
  readonly servers: readonly RawServer[]
  readonly balancer: ManagedBalancer
  /** Connections that each server was opened, one number for each. */
  asked(): number[]
  /** How all attempts went, in the order of their ends. */
  readonly attempts: readonly Outcome['kind'][]
  /** How all requests ended: `finished 200`. */
  readonly ends: readonly string[]
  /** Why those did not finish that did not: codes of errors. */
  readonly reasons: readonly string[]
  /** Waits until so many requests have ended. */
  ended(count?: number): Promise<void>
}

const timeouts = { connectMs: 1_000, headersMs: 300, bodyIdleMs: 300, totalMs: 5_000 }

/**
 * Plays a scene. Behind it, everything must be as it was: sockets and timers, requests in flight, listeners; each request has
 * ended once, and nothing was left unhandled.
 */
export async function played(options: SceneOptions, act: (scene: Scene) => Promise<void>): Promise<void> {
  const before = baseline()
  const listenersBefore = processListeners()
  const fates: unknown[] = []
  const onFate = (fate: unknown) => void fates.push(fate)
  for (const event of fateful) process.on(event, onFate)
  const clock = countingClock()
  const servers = await Promise.all(options.servers.map((script) => rawServer(script === 'refuses' ? undefined : script)))
  for (const [at, script] of options.servers.entries()) if (script === 'refuses') await servers[at]?.close()
  const balancer = createBalancer({
    endpoints: servers.map(({ url }) => url),
    strategy: 'round-robin',
    clock,
    ...options.balancer,
  })
  const forward = proxy(balancer, { clock, ...options.proxy, timeouts: { ...timeouts, ...options.proxy?.timeouts } })
  const attempts: Outcome['kind'][] = []
  const ends: string[] = []
  const reasons: string[] = []
  const begun = new Set<object>()
  const stops = [
    subscribe('upstream:attempted', ({ outcome }) => void attempts.push(outcome.kind)),
    subscribe('request:finished', ({ summary: { outcome, status, error } }) => {
      ends.push(`${outcome} ${status}`)
      if (error !== undefined) reasons.push(error instanceof GatewayError ? error.code : String(error))
    }),
  ]
  const counted: Handler = (ctx) => {
    begun.add(ctx.request)
    return forward(ctx)
  }
  const front = await (options.front ?? node).start(options.layers?.(counted) ?? counted, { clock, ...options.serve })
  const scene: Scene = {
    port: front.port,
    servers,
    balancer,
    asked: () => servers.map(({ connections }) => connections.length),
    attempts,
    ends,
    reasons,
    ended: (count = 1) =>
      expect
        .poll(() => ends.length, { timeout: 5_000 })
        .toBeGreaterThanOrEqual(count)
        .then(() => {}),
  }
  try {
    await act(scene)
    await expect.poll(() => ends.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(begun.size)
    await expect.poll(() => balancer.endpoints.map(({ inflight }) => inflight).filter(Boolean), { timeout: 5_000 }).toEqual([])
  } finally {
    await front.close()
    await forward.close()
    await balancer.close()
    for (const server of servers) await server.close()
    for (const stop of stops) stop()
    for (const event of fateful) process.off(event, onFate)
  }
  if (options.tells) expect(fates).not.toEqual([])
  expect(fates.filter((fate) => !options.tells?.test(String(fate)))).toEqual([])
  await expect.poll(() => clock.pending(), { timeout: 5_000 }).toBe(0)
  await before.settled()
  expect(processListeners()).toEqual(listenersBefore)
}

const fateful = ['uncaughtExceptionMonitor', 'unhandledRejection', 'warning'] as const

function processListeners(): Record<string, number> {
  const names = process.eventNames().filter((name) => typeof name === 'string')
  return Object.fromEntries(names.map((name) => [name, process.listenerCount(name)]))
}
