import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { GatewayError, type Target } from '@gatelet/core'
import type { ProxySettings } from './options.ts'
import { hostOf, placeOf } from './place.ts'

/** A target that is reached over the network. */
export type NetworkTarget = Extract<Target, { origin: URL }>

/** What a connection is for. */
interface Purpose {
  /** What is offered by ALPN, over TLS. */
  readonly protocol: 'http/1.1' | 'h2'
  /** A side that has ended does not end the other. */
  readonly allowHalfOpen?: boolean
}

/**
 * Makes connections to one endpoint, TLS included. `done` is told once, in another turn, within `connectMs`.
 * @returns what gives up
 */
export type Connector = (purpose: Purpose, done: (error: Error | null, socket: Socket | null) => void) => () => void

// Finds peers that vanished without a word.
const KEEP_ALIVE_MS = 60_000

/** One for all connections of an endpoint: they share TLS sessions. */
export function connector(target: NetworkTarget, settings: ProxySettings): Connector {
  const { tls, guard, clock, connectMs } = settings
  const { origin } = target
  const isSecure = origin.protocol === 'https:'
  const usesNetwork = target.socketPath === undefined
  const host = hostOf(origin)
  const place = placeOf(target, guard)
  // The endpoint's own, never what the client said in `Host`: whose certificate is right is not for a client to say.
  const servername = tls.servername ?? (isIP(host) === 0 ? host : '')
  let session: Buffer | undefined

  const open = ({ protocol, allowHalfOpen = false }: Purpose): Socket => {
    if (!isSecure) return connectPlain({ ...place, allowHalfOpen, noDelay: true })
    const { secureContext, rejectUnauthorized } = tls
    const socket = connectTls({
      ...place,
      ...(usesNetwork ? {} : { host }),
      ...{ allowHalfOpen, secureContext, rejectUnauthorized, servername, ALPNProtocols: [protocol] },
      ...(session ? { session } : {}),
    })
    socket.setNoDelay(true)
    return socket.on('session', (each: Buffer) => {
      session = each
    })
  }

  return (purpose, done) => {
    let socket: Socket | undefined
    let isDone = false
    const settle = (error: Error | null) => {
      if (isDone) return
      isDone = true
      cancelTimer()
      // An unheard 'error' ends the process. This one holds nothing: a connection may live for days.
      socket?.on('error', ignored)
      socket?.off('error', settle)
      if (error) socket?.destroy()
      done(error, error ? null : (socket as Socket))
    }
    const connected = () => {
      try {
        // Once more, on what it has come to be.
        if (usesNetwork) guard?.check(socket?.remoteAddress ?? '')
        settle(null)
      } catch (error) {
        settle(error as Error)
      }
    }
    const cancelTimer = clock.setTimer(() => settle(tooSlow(isSecure && socket?.connecting === false)), connectMs)
    try {
      if (usesNetwork) guard?.check(host)
      socket = open(purpose)
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
      socket.on('error', settle)
      socket.once(isSecure ? 'secureConnect' : 'connect', connected)
    } catch (error) {
      process.nextTick(settle, error)
    }
    return () => {
      isDone = true
      cancelTimer()
      socket?.destroy()
    }
  }
}

const ignored = () => {}

// TCP may be there, and TLS not: that is another trouble to look for.
const tooSlow = (isConnected: boolean) => new GatewayError(isConnected ? 'UPSTREAM_TLS_TIMEOUT' : 'UPSTREAM_CONNECT_TIMEOUT')
