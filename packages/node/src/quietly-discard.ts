import { discard, type Reply } from '@gatelet/core'

/** Ends the body of a reply that is not sent. One that throws at that must not keep the exchange from its end. */
export function quietlyDiscard(reply: Reply): void {
  try {
    discard(reply.body)
  } catch (error) {
    process.emitWarning(`a body threw when it was cancelled: ${String(error)}`, 'GateletWarning')
  }
}
