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
  /** Whether there are slots to be given back. */
  readonly hasSlots: boolean
}

/** Policies that hold together. */
export class PolicySet<S extends object> {
  private readonly policies: readonly Policy<S>[]
  private readonly key: RateKey<S> | undefined
  private readonly field: string
  private readonly isConditional: boolean
  private readonly hasSlots: boolean

  /**
   * @param checked what `policy` has accepted
   * @param defaults what holds where a policy does not say it
   */
  constructor(checked: readonly RatePolicyOptions<S>[], defaults: PolicyDefaults<S>) {
    this.policies = checked.map((each) => policyFrom(each, defaults))
    this.key = defaults.key
    this.field = policyField(this.policies)
    this.isConditional = this.policies.some(({ when }) => when !== undefined)
    this.hasSlots = this.policies.some(({ rule }) => rule.algorithm === 'concurrency')
  }

  /**
   * @param leaseOf names the slots of the request: unlike those of any other
   * @param known the key by the default, where it has been asked for already
   */
  claim(ctx: Context<S>, leaseOf: () => string, known: string | undefined): Claim<S> {
    const policies = this.isConditional ? this.policies.filter(({ when }) => when?.(ctx) ?? true) : this.policies
    // Nearly always all have the same key.
    let key = known
    const requests: RateRequest[] = []
    for (const policy of policies) {
      const isShared = policy.key === this.key
      if (isShared) key ??= keyOf(this.key, ctx)
      requests.push(requestOf(policy, isShared ? (key as string) : keyOf(policy.key, ctx), ctx, leaseOf))
    }
    const field = policies.length === this.policies.length ? this.field : policyField(policies)
    return { policies, requests, field, hasSlots: this.hasSlots }
  }
}

function requestOf<S extends object>(policy: Policy<S>, key: string, ctx: Context<S>, leaseOf: () => string): RateRequest {
  const { rule } = policy
  return rule.algorithm === 'concurrency' ? { rule, key, cost: 1, lease: leaseOf() } : { rule, key, cost: costOf(policy, ctx) }
}
