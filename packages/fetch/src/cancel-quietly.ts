import { type Body, sourceOf } from '@gatelet/core'

/** Ends a body that nobody wants. One that throws at that must not keep an exchange from its end, nor end the process. */
export function cancelQuietly(body: Body, reason?: Error): void {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return
  try {
    sourceOf(body).cancel(reason)
  } catch (error) {
    process.emitWarning(`a body threw when it was cancelled: ${String(error)}`, 'GateletWarning')
  }
}
