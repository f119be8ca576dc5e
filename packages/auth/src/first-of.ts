import { type Context, GatewayError, isPromise, type MaybePromise } from '@gatelet/core'
import { absent, type Verdict, type Verifier } from './verifier.ts'

/**
 * The first of several verifiers that finds a credential of its kind decides. A bad credential never falls through to the next
 * verifier: else a thief of an expired token could try it as something else.
 * @throws GatewayError `BAD_OPTION` without a verifier
 * @example auth(firstOf(jwt({ … }), apiKey({ … })))
 */
export function firstOf<C extends readonly [object, ...object[]]>(
  ...verifiers: { readonly [At in keyof C]: Verifier<C[At]> }
): Verifier<C[number]> {
  const all: readonly Verifier<C[number]>[] = verifiers
  const wrongAt = all.findIndex((verifier) => typeof verifier?.verify !== 'function' || !Array.isArray(verifier.challenges))
  if (all.length === 0 || wrongAt >= 0) {
    const path = `verifiers[${Math.max(0, wrongAt)}]`
    throw new GatewayError('BAD_OPTION', { path, message: `firstOf: ${path} must be a verifier, such as jwt({ … })` })
  }
  return { challenges: all.flatMap(({ challenges }) => challenges), verify: (ctx) => asked(all, 0, ctx) }
}

function asked<C extends object>(verifiers: readonly Verifier<C>[], from: number, ctx: Context): MaybePromise<Verdict<C>> {
  for (let at = from; at < verifiers.length; at++) {
    const verifier = verifiers[at] as Verifier<C>
    const verdict = verifier.verify(ctx)
    if (isPromise(verdict)) {
      return verdict.then((late) => (late.kind === 'absent' ? asked(verifiers, at + 1, ctx) : ownWords(late, verifier)))
    }
    if (verdict.kind !== 'absent') return ownWords(verdict, verifier)
  }
  return absent
}

// Who has tried one way in is told about that one.
function ownWords<C extends object>(verdict: Verdict<C>, { challenges }: Verifier<C>): Verdict<C> {
  return verdict.kind === 'refused' && !verdict.challenges ? { ...verdict, challenges } : verdict
}
