import { type Clock, type Context, systemClock } from '@gatelet/core'
import { expiryOf } from '../expiry.ts'
import type { ConnectionLimits, HandshakeOptions } from './options.ts'

/** Limits and handshake with their defaults. */
export interface ConnectionSettings extends Required<Omit<ConnectionLimits, 'messagesPerSecond' | 'bytesPerSecond'>> {
  readonly messagesPerSecond: number | undefined
  readonly bytesPerSecond: number | undefined
  readonly origins: HandshakeOptions['origins'] | undefined
  readonly protocols: readonly string[]
  readonly compress: boolean
  readonly expiresAt: (ctx: Context) => number | undefined
  readonly clock: Clock
}

/** @param own defaults that differ */
export function settingsOf(given: ConnectionLimits & HandshakeOptions, own: ConnectionLimits = {}): ConnectionSettings {
  return { ...defaults, ...own, ...given }
}

const defaults: ConnectionSettings = {
  maxMessageBytes: 1_048_576,
  maxConnections: 10_000,
  messagesPerSecond: undefined,
  bytesPerSecond: undefined,
  burstSeconds: 5,
  overRateCode: 1008,
  maxQueued: 16,
  maxBufferedBytes: 4_194_304,
  heartbeatMs: 30_000,
  idleTimeoutMs: 0,
  maxLifeMs: 0,
  origins: undefined,
  protocols: [],
  compress: false,
  expiresAt: expiryOf,
  clock: systemClock,
}
