import type { Body, Context, MaybePromise, Reply } from '@gatelet/core'
import type { Challenge } from './challenge.ts'
import type { Claims, Principal } from './principal.ts'

/** The credential proves who is asking. */
export interface Proved<C extends object = Claims> {
  readonly kind: 'proved'
  readonly principal: Principal<C>
  /** What the reply is to tell the client, whatever it is: a new `DPoP-Nonce`, a session cookie that was renewed. */
  readonly replyHeaders?: readonly (readonly [name: string, value: string])[]
  /** What stands in for the request's body from here on, byte for byte the same: the verifier has read it, or reads along. */
  readonly body?: Body
}

/** There is no credential of this kind in the request. Another verifier may find one of its own. */
export interface Absent {
  readonly kind: 'absent'
}

/** There is one, and it is not good. Nobody else is asked. */
export interface Refused {
  readonly kind: 'refused'
  /** 400: malformed, or more than one. 401: not valid. 403: valid, and not for this. */
  readonly status: 400 | 401 | 403
  /** Stable and short, for metrics and logs: `expired`, `wrong-audience`, `bad-signature`. Never sent. */
  readonly reason: string
  /** For the client, in the problem's `detail`. Must say nothing that helps to guess. */
  readonly detail?: string
  /** Told to the client in place of what the verifier usually offers; empty where `replyHeaders` say it. */
  readonly challenges?: readonly Challenge[]
  readonly replyHeaders?: Proved['replyHeaders']
  /**
   * Makes what is answered in place of a problem: a page of somebody else's, a redirect to one for logging in. Called for each request. A
   * 401 without a challenge is given one. Never of 2xx.
   */
  readonly reply?: () => Reply
}

/**
 * Whether it is good cannot be said now: the issuer, the store is away. Answered 503, never 401: the client did nothing wrong. Where
 * `cause` says that it did (its body is too large, or came too slowly), that is the answer.
 */
export interface Unavailable {
  readonly kind: 'unavailable'
  readonly reason: string
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** What a verifier found. Never thrown. */
export type Verdict<C extends object = Claims> = Proved<C> | Absent | Refused | Unavailable

/** Looks for one kind of credential and checks it. Anything that is wrong with it is `refused`, never `absent`. */
export interface Verifier<C extends object = Claims> {
  /** @returns without a promise where there is nothing to wait for: with no credential, and with a known one */
  verify(ctx: Context): MaybePromise<Verdict<C>>
  /**
   * What a client without a credential is told to send. At least one: a 401 must have a challenge (RFC 9110 §15.5.2), so that
   * what HTTP has no scheme for is given a name of its own. The realm is added by `auth`.
   */
  readonly challenges: readonly Challenge[]
}

/** There is none. One object for all: verifiers return it on each anonymous request. */
export const absent: Absent = Object.freeze({ kind: 'absent' })
