import type { Context } from '@gatelet/core'
import { policyField } from './headers.ts'
import { keyOf, type RateKey } from './keys.ts'
import { costOf, type Policy, type PolicyDefaults, policyFrom, type RatePolicyOptions } from './policy.ts'
import type { RateRequest } from './store.ts'

/** What one request asks for, of the policies that hold for it. */
export interface Claim<S extends object> {
  readonly policies: readonly Policy<S>[]
  /** One for each policy, in their order. */
  readonly requests: readonly RateRequest[]
  /** The value of `RateLimit-Policy`. */
  readonly field: string
}

/** Policies that hold together. */
export class PolicySet<S extends object> {
  private readonly policies: readonly Policy<S>[]
  private readonly key: RateKey<S> | undefined
  private readonly field: string

  /**
   * @param checked what `policy` has accepted
   * @param defaults what holds where a policy does not say it
   */
  constructor(checked: readonly RatePolicyOptions<S>[], defaults: PolicyDefaults<S>) {
    this.policies = checked.map((each) => policyFrom(each, defaults))
    this.key = defaults.key
    this.field = policyField(this.policies)
  }

  /** @param leaseOf names the slots of the request: unlike those of any other */
  claim(ctx: Context<S>, leaseOf: () => string): Claim<S> {
    let policies = this.policies
    if (policies.some(({ when }) => when !== undefined)) policies = policies.filter(({ when }) => when?.(ctx) ?? true)
    // Nearly always all have the same key.
    let key: string | undefined
    const requests = policies.map((policy): RateRequest => {
      if (policy.key !== this.key) return requestOf(policy, keyOf(policy.key, ctx), ctx, leaseOf)
      key ??= keyOf(this.key, ctx)
      return requestOf(policy, key, ctx, leaseOf)
    })
    const field = policies.length === this.policies.length ? this.field : policyField(policies)
    return { policies, requests, field }
  }
}

function requestOf<S extends object>(policy: Policy<S>, key: string, ctx: Context<S>, leaseOf: () => string): RateRequest {
  const { rule } = policy
  return rule.algorithm === 'concurrency' ? { rule, key, cost: 1, lease: leaseOf() } : { rule, key, cost: costOf(policy, ctx) }
}
