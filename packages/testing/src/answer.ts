import {
  type Body,
  bytesOf,
  type Flow,
  type GatewayError,
  type Reply,
  type Sink,
  type Source,
  type Summary,
  sourceOf,
} from '@gatelet/core'
import type { TestClient } from './client.ts'
import type { SocketSide } from './exchange.ts'

/** A reply that a test can read. */
export interface Answer extends Reply {
  /** Reads the body to its end, at most 64 MiB. Can be asked again. @throws what the body failed with */
  bytes(): Promise<Uint8Array>
  /** The body as UTF-8. */
  text(): Promise<string>
  /** The body as JSON. @throws SyntaxError when it is none */
  json<T = unknown>(): Promise<T>
  /** How the exchange ended, interim answers, work in the background; `abort()` is the client that leaves. */
  readonly exchange: SocketSide
}

/** The body of a reply as UTF-8. The body is used up. */
export async function bodyText({ body }: Pick<Reply, 'body'>): Promise<string> {
  return Buffer.from(await bytesOf(body, MAX_BYTES)).toString()
}

/** The body of a reply as JSON. The body is used up. @throws SyntaxError when it is none */
export async function bodyJson<T = unknown>(reply: Pick<Reply, 'body'>): Promise<T> {
  return JSON.parse(await bodyText(reply)) as T
}

const MAX_BYTES = 67_108_864

/** Makes a reply readable, and finishes its exchange when the body is over or the client leaves. */
export function answerOf(reply: Reply, exchange: SocketSide, client: TestClient): Answer {
  const { status, headers, upgrade } = reply
  const body = upgrade ? reply.body : finishing(reply.body, status, exchange, client)
  let read: Promise<Uint8Array> | undefined
  const bytes = () => {
    read ??= bytesOf(body, MAX_BYTES)
    return read
  }
  const text = async () => Buffer.from(await bytes()).toString()
  const answer: Answer = { status, headers, body, bytes, text, json: async () => JSON.parse(await text()), exchange }
  if (upgrade) answer.upgrade = upgradeThatFinishes(upgrade, exchange)
  return answer
}

function upgradeThatFinishes(upgrade: NonNullable<Reply['upgrade']>, exchange: SocketSide): NonNullable<Reply['upgrade']> {
  return (socket, head, headers) => {
    socket.once('close', () => exchange.finish('finished', 101))
    upgrade(socket, head, headers)
  }
}

function finishing(body: Body, status: number, exchange: SocketSide, client: TestClient): Body {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) {
    exchange.finish('finished', status)
    return body
  }
  const source = new FinishingSource(sourceOf(body), status, exchange)
  client.whenLeft((reason) => source.leave(reason))
  return source
}

/** A body that tells its exchange how it ended, as the socket side does. */
class FinishingSource implements Source {
  readonly #source: Source
  readonly #status: number
  readonly #exchange: SocketSide
  #sink: Sink | undefined

  constructor(source: Source, status: number, exchange: SocketSide) {
    this.#source = source
    this.#status = status
    this.#exchange = exchange
  }

  get length(): number | undefined {
    return this.#source.length
  }

  pipeTo(sink: Sink): Flow {
    this.#sink = sink
    return this.#source.pipeTo({
      write: (chunk) => sink.write(chunk),
      end: (trailers) => {
        sink.end(trailers)
        this.#exchange.finish('finished', this.#status)
      },
      fail: (error) => this.#fail('failed', error),
    })
  }

  take(): Uint8Array | null | undefined {
    const taken = this.#source.take()
    if (taken !== undefined) this.#exchange.finish('finished', this.#status)
    return taken
  }

  // Who reads no further is a client that left.
  cancel(): void {
    this.#sink = undefined
    this.#exchange.abort()
  }

  /** The client left: nobody reads on, and whoever waits for more in the test is told. */
  leave(reason: GatewayError): void {
    this.#source.cancel(reason)
    this.#fail('aborted', reason)
  }

  #fail(outcome: Summary['outcome'], error: Error): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.fail(error)
    this.#exchange.finish(outcome, this.#status, error)
  }
}
