import { amendFailure, type Context, discard, GatewayError, type MaybePromise, type Reply } from '@gatelet/core'
import type { Asked, Fetched, Onward } from './arrival.ts'
import { fetched } from './fetched.ts'
import { reasonOf } from './flight.ts'
import type { Ask, Kit } from './kit.ts'
import { thrown } from './thrown.ts'

/** Asks in the exchange of the client. @throws what the upstream throws */
export async function askedDirectly<S extends object>(asked: Asked<S>): Promise<Reply> {
  const { kit, ask, flight } = asked
  // What is asked here ends with its client: the others ask by themselves then.
  const undo = ask.ctx.onAbort(() => flight.land({ kind: 'alone' }))
  try {
    const { reply, told } = await fetched(asked, ask.ctx)
    kit.tell(ask, told)
    return reply
  } catch (error) {
    return failing(asked, error)
  } finally {
    undo()
    flight.leaderIsServed()
  }
}

/**
 * Asks in an exchange of its own, which goes on for the others when the client leaves, and ends when all have left.
 * @returns undefined where there is none
 */
export function askedApart<S extends object>(asked: Asked<S>): Promise<Reply> | undefined {
  const { ctx } = asked.ask
  const gone = new AbortController()
  asked.flight.abandon = () => gone.abort(new GatewayError('CLIENT_CLOSED'))
  let isApart = false
  const reply = new Promise<Reply>((resolve) => {
    isApart = ctx.background(
      (own) => served(asked, own.withSignal(gone.signal), resolve),
      (status, headers) => ctx.inform(status, headers),
    )
  })
  return isApart ? reply : undefined
}

/** Gives the reply to the client, and ends when its body is over. */
async function served<S extends object>(
  asked: Asked<S>,
  own: Context<S>,
  deliver: (reply: Reply | Promise<Reply>) => void,
): Promise<void> {
  const { kit, ask, flight } = asked
  let isServed = false
  let hasLeft = false
  const undo = ask.ctx.onAbort(() => {
    hasLeft = true
    if (!isServed) deliver(abortedLater(asked))
    flight.leaderIsServed()
  })
  try {
    const done = await fetched(asked, own)
    if (hasLeft) {
      discard(done.reply.body)
    } else {
      isServed = true
      kit.tell(ask, done.told)
      deliver(done.reply)
    }
    flight.leaderIsServed()
    await overOf(done, ask.ctx, hasLeft)
  } catch (error) {
    flight.leaderIsServed()
    if (!hasLeft && !isServed) deliver(failingLater(asked, error, own))
  } finally {
    undo()
  }
}

/** When the upstream is not needed any more. */
function overOf<S extends object>({ reply, over }: Fetched, ctx: Context<S>, hasLeft: boolean): Promise<void> | undefined {
  const { body } = reply
  if (over !== undefined) return over
  const isHere = body === null || typeof body === 'string' || body instanceof Uint8Array
  return hasLeft || isHere ? undefined : new Promise((resolve) => void ctx.onFinish(() => resolve()))
}

const failingLater = async <S extends object>(asked: Asked<S>, error: unknown, own: Context<S>): Promise<Reply> =>
  failing(asked, error, own)

/** The exchange of the client was aborted before a reply came: who is there still learns what this cache did. @throws why */
export function abortedWhileAsking<S extends object>(kit: Kit<S>, ask: Ask<S>, { forward }: Onward): MaybePromise<Reply> {
  kit.tell(ask, { result: 'miss', detail: 'aborted' })
  return thrown(ask.ctx, reasonOf(ask.ctx), ({ headers }) => kit.addStatus(headers, { forward, detail: 'aborted' }))
}

const abortedLater = async <S extends object>({ kit, ask, decision }: Asked<S>): Promise<Reply> =>
  abortedWhileAsking(kit, ask, decision)

/** Throws the error in the exchange of the client, whose reply says what this cache did. */
function failing<S extends object>({ kit, ask, decision }: Asked<S>, error: unknown, own?: Context<S>): MaybePromise<Reply> {
  kit.tell(ask, { result: decision.forward === 'bypass' ? 'bypass' : 'miss', detail: 'error' })
  return thrown(ask.ctx, error, (reply) => {
    // What layers behind this one have to say of it.
    if (own) amendFailure(own, error, reply)
    const { forward, detail } = decision
    kit.addStatus(reply.headers, { forward, ...(detail !== undefined && { detail }) })
  })
}
