import { type Context, isPromise, type MaybePromise } from '@gatelet/core'
import { type Authorization, authorizationOf } from './authorization.ts'
import type { Binding } from './binding.ts'
import type { Claims, Principal } from './principal.ts'
import type { Json } from './strict-json.ts'
import { absent, type Proved, type Unavailable, type Verdict, type Verifier } from './verifier.ts'

/** A token that is good, whoever has sent it. */
export interface ProvedToken extends Proved<object> {
  readonly principal: Principal<object>
  /** All that it says, as its issuer wrote it. */
  readonly claims: Json
}

/** What became of one token. */
export type TokenVerdict = ProvedToken | { readonly kind: 'refused'; readonly reason: string } | Unavailable

/**
 * Finds the access token of a request (RFC 6750 §2.1: in the header only), has it judged, and sees to it that it is used by whom it
 * was given to.
 * @param known the token as it was judged before, if it is good still
 */
export function bearerTokens<C extends object = Claims>(
  binding: Binding,
  judge: (text: string) => MaybePromise<TokenVerdict>,
  known: (text: string) => ProvedToken | undefined = () => undefined,
): Verifier<C> {
  function found(ctx: Context, scheme: 'bearer' | 'dpop', authorization: Authorization): MaybePromise<Verdict<object>> {
    if (authorization.kind === 'absent') return absent
    const text = authorization.kind === 'credentials' ? authorization.text : ''
    // What is known was looked at before, letter by letter.
    const before = known(text)
    if (before) return binding.judge(ctx, text, scheme, before)
    if (!isToken68(text)) return binding.refused(scheme, 'malformed-header', 'invalid_request')
    const verdict = judge(text)
    return isPromise(verdict) ? verdict.then((late) => answer(ctx, scheme, text, late)) : answer(ctx, scheme, text, verdict)
  }

  function answer(ctx: Context, scheme: 'bearer' | 'dpop', text: string, verdict: TokenVerdict): MaybePromise<Verdict<object>> {
    if (verdict.kind === 'refused') return binding.refused(scheme, verdict.reason)
    return verdict.kind === 'proved' ? binding.judge(ctx, text, scheme, verdict) : verdict
  }

  return {
    challenges: binding.challenges,
    verify(ctx) {
      const bearer = authorizationOf(ctx, 'bearer')
      const verdict =
        bearer.kind !== 'absent' || !binding.takesDpop
          ? found(ctx, 'bearer', bearer)
          : found(ctx, 'dpop', authorizationOf(ctx, 'dpop'))
      return verdict as MaybePromise<Verdict<C>>
    },
  }
}

const isToken68 = (text: string): boolean => /^[A-Za-z0-9\-._~+/]+=*$/.test(text)
