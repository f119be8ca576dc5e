import { once } from 'node:events'
import { connect } from 'node:net'
import { type Checks, checkOptions, options } from '@gatelet/core'
import { parseResponses, type RawResponse } from './raw-response.ts'
import { type Closed, RawConnection, type RawSocket } from './raw-socket.ts'

/** A client that sends what it is told. `await using client = await rawClient(port)` leaves at the test's end. */
export interface RawClient extends RawSocket, AsyncDisposable {}

/** Connects to a port of 127.0.0.1, for dialogues byte for byte. @throws Error `ECONNREFUSED` and the like */
export async function rawClient(port: number): Promise<RawClient> {
  return disposable(await connected(port))
}

/** When an exchange of raw bytes is over. */
export interface RawRequestOptions {
  /**
   * Stops when so many whole final responses came: for connections that are kept alive. Default: only when the
   * other side closes, so that a second answer to smuggled bytes does not go unseen.
   */
  responses?: number
  /** Stops when nothing came for so many milliseconds. Default: 5000. */
  silenceMs?: number
  /** Closes our side (FIN) after the bytes. Default: false. */
  end?: boolean
}

/** What came back. */
export interface RawReply {
  readonly bytes: Buffer
  /** The bytes as latin1. */
  readonly text: string
  /** The responses among them; interim ones too. */
  readonly responses: readonly RawResponse[]
  /** `open`: the other side was still there when we left. */
  readonly closed: Closed
}

/**
 * Sends bytes on a connection of their own and returns everything that comes back: until the other side closes, until
 * there are enough responses, or until it is silent.
 * @throws GatewayError `BAD_OPTION`; Error `ECONNREFUSED` and the like
 */
export async function rawRequest(port: number, data: string | Uint8Array, init: RawRequestOptions = {}): Promise<RawReply> {
  const { responses: wanted = Number.POSITIVE_INFINITY, silenceMs = 5000, end } = checkOptions('rawRequest', init, checks)
  const toHead = Buffer.from(data.slice(0, 5)).toString('latin1') === 'HEAD '
  const connection = await connected(port)
  const responses = () => parseResponses(connection.received, { isClosed: connection.closed !== 'open', toHead })
  const isEnough = () => connection.closed !== 'open' || (wanted < Number.POSITIVE_INFINITY && countFinal(responses()) >= wanted)
  connection.write(data)
  if (end) connection.end()
  try {
    await untilSilent(connection, isEnough, silenceMs)
    const { received, closed } = connection
    return { bytes: received, text: received.toString('latin1'), responses: responses(), closed }
  } finally {
    connection.destroy()
  }
}

const countFinal = (responses: readonly RawResponse[]) =>
  responses.filter(({ status, complete }) => complete && (status >= 200 || status === 101)).length

async function untilSilent(connection: RawConnection, isEnough: () => boolean, silenceMs: number): Promise<void> {
  for (;;) {
    const seen = connection.receivedBytes
    await connection.until(() => connection.receivedBytes > seen || isEnough(), silenceMs).catch(() => {})
    if (connection.receivedBytes === seen || isEnough()) return
  }
}

async function connected(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  return new RawConnection(socket)
}

function disposable(connection: RawConnection): RawClient {
  const dispose = async () => {
    connection.destroy()
    await connection.left()
  }
  return Object.assign(connection, { [Symbol.asyncDispose]: dispose })
}

const checks: Checks<RawRequestOptions> = {
  responses: options.optional(options.number({ min: 1, max: 10_000, integer: true })),
  silenceMs: options.optional(options.milliseconds()),
  end: options.optional(options.boolean),
}
