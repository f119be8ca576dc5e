import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { type TcpCheckOptions, tlsSettings } from './options.ts'
import { type Address, addressOf, type ProbeFactory } from './probe.ts'

const MAX_BYTES = 65_536

/** Opens a connection; says something and waits for an answer, if that is wanted. */
export function tcpProbe(options: TcpCheckOptions): ProbeFactory {
  const send = options.send === undefined ? undefined : Buffer.from(options.send)
  const expect = options.expect === undefined ? undefined : Buffer.from(options.expect)
  return (endpoint) => {
    const address = addressOf(endpoint, options.port)
    return address && { check: (signal) => talk(open(address, options), { send, expect, signal }), close() {} }
  }
}

interface Talk {
  readonly send: Buffer | undefined
  readonly expect: Buffer | undefined
  readonly signal: AbortSignal
}

function talk(socket: Socket, { send, expect, signal }: Talk): Promise<void> {
  const said = new Promise<void>((resolve, reject) => {
    let heard = Buffer.alloc(0)
    const opened = () => {
      if (send) socket.write(send)
      if (!expect) resolve()
    }
    socket.once('secureConnect', opened)
    if (!('encrypted' in socket)) socket.once('connect', opened)
    socket.on('data', (chunk) => {
      if (!expect) return
      heard = Buffer.concat([heard, chunk.subarray(0, MAX_BYTES - heard.length)])
      if (heard.includes(expect)) resolve()
      else if (heard.length >= MAX_BYTES) reject(new Error('it did not say what was expected'))
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('it closed the connection before it said what was expected')))
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  return said.finally(() => socket.destroy())
}

function open(address: Address, { tls }: TcpCheckOptions): Socket {
  if (tls === undefined) return connectPlain({ ...address })
  const servername = 'host' in address && isIP(address.host) === 0 ? { servername: address.host } : {}
  return connectSecure({ ...address, ...servername, ...tlsSettings(tls) })
}
