import { amended, type Context, type MaybePromise, type Reply } from '@gatelet/core'

/** Throws `error` in the exchange of a client, and changes the reply that it becomes there. @throws error */
export function thrown<S extends object>(ctx: Context<S>, error: unknown, amend: (reply: Reply) => void): MaybePromise<Reply> {
  const rethrow = (): never => {
    throw error
  }
  return amended(ctx, rethrow, amend)
}
