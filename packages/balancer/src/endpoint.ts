import { type Endpoint, GatewayError, type Target } from '@gatelet/core'
import { type Circuit, EjectionRecord } from './ejection.ts'
import type { EndpointSpec } from './endpoint-options.ts'
import { type CheckedHealth, type CheckResult, HealthRecord } from './health/record.ts'
import { Inflight } from './inflight.ts'

/** One endpoint as it is now. Live: its figures change while you hold it. */
export interface EndpointView extends Endpoint {
  /** How many requests it may have in flight now; infinity where nothing limits it. */
  readonly limit: number
  /** Its share of the traffic when its slow start is over; `weight` is the one of now. */
  readonly fullWeight: number
  /** Its tier: the lowest number comes first. */
  readonly priority: number
  /** Where it stands; undefined where nobody said. */
  readonly zone: string | undefined
  /**
   * All in one word; of several that hold, the first. `draining`: its weight is 0, so it takes no new requests. `unhealthy`:
   * its checks fail. `ejected`: too many of its requests failed, and it rests until `ejectedUntil`.
   */
  readonly state: 'active' | 'draining' | 'unhealthy' | 'ejected'
  /** Why it is `unhealthy`, `ejected` or half-open; undefined otherwise. */
  readonly reason: string | undefined
  /** What checks say of it, and nothing else; `unknown` before the first result. */
  readonly health: CheckedHealth
  /** What the last check found. */
  readonly lastCheck: CheckResult | undefined
  /** What its requests say, and nothing else. `open`: it is ejected. `half-open`: it rested, and gets one request at a time. */
  readonly circuit: Circuit
  /** Failures since its last success. Cancelled attempts do not count. */
  readonly consecutiveFailures: number
  /** When it may be asked again, in monotonic milliseconds (`Clock.now()`); undefined unless its circuit is open. */
  readonly ejectedUntil: number | undefined
}

/** An endpoint and all that the balancer knows of it. It is the same object as long as it is a member: others key what they keep by it. */
export class EndpointState implements EndpointView {
  readonly id: string
  readonly target: Target
  /** What `run` hands out. */
  readonly value: unknown
  readonly leases: Inflight = new Inflight()
  readonly ejection: EjectionRecord = new EjectionRecord()
  readonly checks: HealthRecord
  /** Attempts that ended, whichever way: the sign that it has traffic. */
  attempts = 0
  private spec: EndpointSpec
  private share: number
  // Which part of its share it has while it starts slowly.
  private ramp = 1

  /** @param isAssumedDown until its first check */
  constructor(spec: EndpointSpec, isAssumedDown = false) {
    this.checks = new HealthRecord(isAssumedDown)
    this.id = spec.id
    this.target = targetOf(spec)
    this.value = givenValue(spec)
    this.spec = spec
    this.share = spec.weight
  }

  get weight(): number {
    return this.share * this.ramp
  }

  get fullWeight(): number {
    return this.share
  }

  get inflight(): number {
    return this.leases.count
  }

  get limit(): number {
    return this.leases.max
  }

  /** What its options say of that. */
  get maxInflight(): number | undefined {
    return this.spec.maxInflight
  }

  get priority(): number {
    return this.spec.priority
  }

  get zone(): string | undefined {
    return this.spec.zone
  }

  get metadata(): Readonly<Record<string, unknown>> {
    return this.spec.metadata
  }

  get state(): EndpointView['state'] {
    if (this.share === 0) return 'draining'
    if (this.checks.isDown) return 'unhealthy'
    return this.isWell ? 'active' : 'ejected'
  }

  /** Whether it works as far as we know, whatever its weight. */
  get isWell(): boolean {
    return !this.checks.isDown && this.ejection.circuit !== 'open'
  }

  /** Whether it counts among those that could serve: it has a weight, and its checks do not fail. */
  get isInPlay(): boolean {
    return this.share > 0 && !this.checks.isDown
  }

  get reason(): string | undefined {
    if (this.checks.isDown) return this.checks.last?.error ?? 'not checked yet'
    return this.ejection.reason
  }

  get health(): CheckedHealth {
    return this.checks.health
  }

  get lastCheck(): CheckResult | undefined {
    return this.checks.last
  }

  get circuit(): Circuit {
    return this.ejection.circuit
  }

  get consecutiveFailures(): number {
    return this.ejection.failures
  }

  get ejectedUntil(): number | undefined {
    return this.ejection.circuit === 'open' ? this.ejection.until : undefined
  }

  /** Which part of its weight it has for the time being, above 0 and at most 1. */
  setRamp(part: number): void {
    this.ramp = part
  }

  /** @returns whether that changed anything */
  setWeight(weight: number): boolean {
    const changed = weight !== this.share
    this.share = weight
    return changed
  }

  /** Whether `spec` is this endpoint, perhaps with another weight or other metadata. */
  isSameAs(spec: EndpointSpec): boolean {
    if ('value' in spec || 'value' in this.spec) return this.id === spec.id && this.value === givenValue(spec)
    return this.id === spec.id && isSameTarget(this.target, targetOf(spec))
  }

  /**
   * Takes over what a new list says of it. A weight that is the same as in the list before leaves alone what was set since:
   * an endpoint that somebody drains by hand must not come back with the next list of a discovery.
   * @returns whether its weight changed
   */
  respecify(spec: EndpointSpec): boolean {
    const isListedAnew = spec.weight !== this.spec.weight
    this.spec = spec
    return isListedAnew && this.setWeight(spec.weight)
  }
}

const givenValue = (spec: EndpointSpec): unknown => ('value' in spec ? spec.value : 'handler' in spec ? spec.handler : spec.url)

function targetOf(spec: EndpointSpec): Target {
  if ('value' in spec) return { handler: () => answersNothing(spec.id) }
  if ('handler' in spec) return { handler: spec.handler }
  return spec.socketPath === undefined ? { origin: spec.url } : { origin: spec.url, socketPath: spec.socketPath }
}

function isSameTarget(a: Target, b: Target): boolean {
  if ('handler' in a || 'handler' in b) return 'handler' in a && 'handler' in b && a.handler === b.handler
  return a.origin.href === b.origin.href && a.socketPath === b.socketPath
}

function answersNothing(id: string): never {
  const message = `the endpoint ${JSON.stringify(id)} is a value: it answers no requests, only calls by run()`
  throw new GatewayError('BAD_OPTION', { path: 'endpoints', message })
}
