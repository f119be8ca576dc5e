import type { EndpointState } from '../endpoint.ts'

/** Asks one endpoint whether it is well. */
export interface Probe {
  /**
   * Resolves when it is, rejects with the reason when it is not. Whatever it opened is closed by then, but for what it keeps
   * for the next time.
   * @param signal aborts when nobody waits any more; it must end soon after
   */
  check(signal: AbortSignal): Promise<void>
  /** Gives up what it keeps. */
  close(): void
}

/** Makes the probe of an endpoint. Undefined: it cannot be checked in this way, and counts as healthy. */
export type ProbeFactory = (endpoint: EndpointState) => Probe | undefined

/** Where a socket is opened. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string }

/** Where an endpoint is asked; undefined for what is not reached over the network. */
export function addressOf({ target }: EndpointState, port: number | undefined): Address | undefined {
  if ('handler' in target) return undefined
  if (target.socketPath !== undefined && port === undefined) return { path: target.socketPath }
  const { hostname, port: own, protocol } = target.origin
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return { host, port: port ?? Number(own || (protocol === 'https:' ? 443 : 80)) }
}

/** What went wrong, in at most 200 characters on one line. */
export function reasonOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown }
  // An error that stands for several, as when no address of a name answers, has no message of its own.
  const text = [message, code, error].find((said) => typeof said === 'string' && said !== '') ?? 'failed'
  return (text as string).replaceAll(/\s+/g, ' ').slice(0, 200)
}
