import { type Context, GatewayError, isPromise, type MaybePromise } from '@gatelet/core'
import type { Denial, Policy } from './policy.ts'
import type { Claims, Principal } from './principal.ts'

/** Every one of these scopes. @throws GatewayError `BAD_OPTION` without one */
export function scope(...scopes: readonly [string, ...string[]]): Policy<object> {
  checkNames('scope', scopes)
  const denial: Denial = { reason: 'scope', scopes }
  return ({ scopes: has }) => (scopes.every((one) => has.has(one)) ? undefined : denial)
}

/** Every one of these roles. @throws GatewayError `BAD_OPTION` without one */
export function role(...roles: readonly [string, ...string[]]): Policy<object> {
  checkNames('role', roles)
  const denial: Denial = { reason: 'role' }
  return ({ roles: has }) => (roles.every((one) => has.has(one)) ? undefined : denial)
}

/**
 * What a function says. Only `true` allows.
 * @param reason for metrics and logs
 * @example predicate((principal, ctx) => principal.claims.tenant === ctx.request.headers.get('x-tenant'), 'other-tenant')
 */
export function predicate<C extends object = Claims>(
  test: (principal: Principal<C>, ctx: Context) => MaybePromise<boolean>,
  reason = 'predicate',
): Policy<C> {
  const denial: Denial = { reason }
  const said = (answer: boolean) => (answer === true ? undefined : denial)
  return (principal, ctx) => {
    const answer = test(principal, ctx)
    return isPromise(answer) ? answer.then(said) : said(answer)
  }
}

/** All of them, asked in turn; the first that denies says why. @throws GatewayError `BAD_OPTION` without one */
export function allOf<C extends object>(...policies: readonly [Policy<C>, ...Policy<C>[]]): Policy<C> {
  checkPolicies('allOf', policies)
  return (principal, ctx) => firstDenial(policies, 0, principal, ctx)
}

/** One of them is enough, asked in turn; when all deny, the first says why. @throws GatewayError `BAD_OPTION` without one */
export function anyOf<C extends object>(...policies: readonly [Policy<C>, ...Policy<C>[]]): Policy<C> {
  checkPolicies('anyOf', policies)
  return (principal, ctx) => unlessAllDeny(policies, 0, principal, ctx)
}

/** Where the other policy denies. What fails there, fails here too: nobody gets through by an error. */
export function not<C extends object>(policy: Policy<C>, reason = 'not'): Policy<C> {
  checkPolicies('not', [policy])
  const denial: Denial = { reason }
  // Not for `null` or `false`, of which nobody can say what they deny.
  const turned = (other: Denial | undefined) => (typeof other === 'object' && other !== null ? undefined : denial)
  return (principal, ctx) => {
    const other = policy(principal, ctx)
    return isPromise(other) ? other.then(turned) : turned(other)
  }
}

type Decision = MaybePromise<Denial | undefined>

function firstDenial<C extends object>(policies: readonly Policy<C>[], from: number, who: Principal<C>, ctx: Context): Decision {
  for (let at = from; at < policies.length; at++) {
    const denial = (policies[at] as Policy<C>)(who, ctx)
    if (isPromise(denial)) return denial.then((late) => (late === undefined ? firstDenial(policies, at + 1, who, ctx) : late))
    if (denial !== undefined) return denial
  }
  return undefined
}

function unlessAllDeny<C extends object>(
  policies: readonly Policy<C>[],
  from: number,
  who: Principal<C>,
  ctx: Context,
  first?: Denial,
): Decision {
  let why = first
  for (let at = from; at < policies.length; at++) {
    const denial = (policies[at] as Policy<C>)(who, ctx)
    if (isPromise(denial))
      return denial.then((late) => (late === undefined ? late : unlessAllDeny(policies, at + 1, who, ctx, why ?? late)))
    if (denial === undefined) return undefined
    why ??= denial
  }
  return why
}

function checkNames(owner: string, names: readonly unknown[]): void {
  if (names.length > 0 && names.every((name) => typeof name === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name))) return
  const message = `${owner}: names must be at least one text of printable ASCII without spaces, " and \\`
  throw new GatewayError('BAD_OPTION', { path: 'names', message })
}

function checkPolicies(owner: string, policies: readonly unknown[]): void {
  const at = policies.findIndex((policy) => typeof policy !== 'function')
  if (policies.length > 0 && at < 0) return
  const path = `policies[${Math.max(0, at)}]`
  throw new GatewayError('BAD_OPTION', { path, message: `${owner}: ${path} must be a policy, such as scope('read')` })
}
