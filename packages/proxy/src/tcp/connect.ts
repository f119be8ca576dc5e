import { connect, type Socket } from 'node:net'
import { GatewayError, type Target } from '@gatelet/core'
import type { NetworkTarget } from '../connector.ts'
import { placeOf } from '../place.ts'
import { upstreamError } from '../upstream-error.ts'
import type { TcpSettings } from './options.ts'

/**
 * Connects to an endpoint.
 * @param left aborts when nobody needs the connection any more
 * @throws GatewayError (as a rejection): nothing was sent
 */
export function connected(target: Target, { connectMs, guard, clock }: TcpSettings, left: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const place = placeOf(networkTarget(target), guard)
    if ('host' in place) guard?.check(place.host)
    const socket = connect({ ...place, allowHalfOpen: true, noDelay: true })
    const fail = (error: unknown) => {
      over()
      // What still comes of it is of no interest, but must be heard.
      socket.on('error', () => {})
      socket.destroy()
      reject(upstreamError(error, { sent: false, hasHead: false }))
    }
    const leave = () => fail(new GatewayError('CLIENT_CLOSED'))
    const over = () => {
      cancelTimer()
      left.removeEventListener('abort', leave)
      socket.off('error', fail)
      socket.off('connect', done)
    }
    const done = () => {
      try {
        // Once more, on what it has come to be.
        if ('host' in place) guard?.check(socket.remoteAddress ?? '')
      } catch (error) {
        fail(error)
        return
      }
      over()
      resolve(socket)
    }
    const cancelTimer = clock.setTimer(() => fail(new GatewayError('UPSTREAM_CONNECT_TIMEOUT')), connectMs)
    left.addEventListener('abort', leave)
    socket.on('error', fail)
    socket.on('connect', done)
  })
}

function networkTarget(target: Target): NetworkTarget {
  if ('origin' in target) return target
  throw new GatewayError('BAD_OPTION', { path: 'balancer', message: 'an endpoint is a function: it cannot be connected to' })
}
