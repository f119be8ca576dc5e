import { Readable } from 'node:stream'
import { type Context, GatewayError, type Handler, HeaderList, options, type Reply, stopReason } from '@gatelet/core'
import { headOf, replyOf } from './answer.ts'
import { type Asked, askedOf } from './asked.ts'
import { eventAlb } from './event-alb.ts'
import { eventV1 } from './event-v1.ts'
import { eventV2 } from './event-v2.ts'
import type { LambdaInvocation, LambdaInvoker } from './invoker.ts'
import { type LambdaOptions, type LambdaSettings, lambdaSettings } from './options.ts'
import { splitPrelude } from './prelude.ts'

/**
 * Answers requests by a function of AWS Lambda: each request is an event as API Gateway or a load balancer would send it, and what
 * the function returns is the reply. What it throws is 502, and nothing of it reaches the client.
 *
 * A function can be an endpoint of a balancer, with retries and limits: `{ id: 'orders', handler: lambda(…) }`.
 * @throws GatewayError `BAD_OPTION`. When it is asked: what the invoker throws; `BODY_TOO_LARGE` for a long request,
 * `UPSTREAM_HEADERS_TIMEOUT`, and `UPSTREAM_BAD_RESPONSE` for an answer that is no reply
 * @example router.mount('/orders/*rest', lambda(lambdaHttp({ url: 'http://127.0.0.1:9001', name: 'orders' })))
 */
export function lambda(invoker: LambdaInvoker, given: LambdaOptions = {}): Handler {
  const settings = lambdaSettings(given)
  if (typeof invoker?.invoke !== 'function')
    throw options.wrong(invoker, 'invoker', 'lambdaHttp(…), lambdaClient(…) or lambdaLocal(…)')
  if (settings.streaming && !invoker.stream)
    throw options.wrong(settings.streaming, 'streaming', 'false, since this invoker cannot stream')
  return async function lambdaFunction(ctx) {
    if (ctx.request.kind === 'upgrade') throw new GatewayError('UPGRADE_UNSUPPORTED')
    return new Call(ctx, settings).answer(invoker, payloadOf(await askedOf(ctx, settings)))
  }
}

function payloadOf(asked: Asked): Uint8Array {
  const { payload, maxRequestBytes } = asked.settings
  const event = payload === '2.0' ? eventV2(asked) : payload === '1.0' ? eventV1(asked) : eventAlb(asked)
  const bytes = Buffer.from(JSON.stringify(event))
  if (bytes.byteLength > maxRequestBytes)
    throw new GatewayError('BODY_TOO_LARGE', { message: `an event has ${bytes.byteLength} bytes` })
  return bytes
}

/** One call, with the end of its time. */
class Call {
  private readonly settings: LambdaSettings
  private readonly control = new AbortController()
  private readonly end: () => void

  constructor(ctx: Context, settings: LambdaSettings) {
    this.settings = settings
    const { timeoutMs, clock } = settings
    const undo = ctx.onAbort(() => this.control.abort(stopReason(ctx)))
    const late = () =>
      this.control.abort(new GatewayError('UPSTREAM_HEADERS_TIMEOUT', { message: `no answer in ${timeoutMs} ms` }))
    const cancel = clock.setTimer(late, timeoutMs)
    this.end = () => {
      cancel()
      undo()
    }
  }

  async answer(invoker: LambdaInvoker, payload: Uint8Array): Promise<Reply> {
    const { payload: form, streaming, maxResponseBytes: maxBytes, timeoutMs } = this.settings
    const call: LambdaInvocation = { payload, signal: this.control.signal, maxBytes, timeoutMs }
    try {
      if (streaming === false || !invoker.stream) return replyOf(await this.within(invoker.invoke(call)), form)
      const answer = await this.within(invoker.stream(call))
      if (streaming === 'raw') return { status: 200, headers: new HeaderList(bytesType), body: this.bodyOf(answer) }
      const { prelude, rest } = await this.within(splitPrelude(answer))
      const body = this.bodyOf(rest)
      try {
        return { ...headOf(prelude), body }
      } catch (error) {
        body.destroy()
        throw error
      }
    } finally {
      this.end()
    }
  }

  // By the signal: a function that is silent would hear of it with its next chunk only, since an iterator ends between two.
  private bodyOf(chunks: AsyncIterable<Uint8Array>): Readable {
    const body = Readable.from(chunks, { objectMode: false })
    const { _destroy } = body
    body._destroy = (error, done) => {
      this.control.abort(error ?? new GatewayError('CLIENT_CLOSED'))
      _destroy.call(body, error, done)
    }
    return body
  }

  /** What does not heed the signal is not waited for. */
  private within<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.control
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason)
      if (signal.aborted) abort()
      signal.addEventListener('abort', abort)
      work.then(resolve, (error: unknown) => reject(signal.aborted ? signal.reason : error))
    })
  }
}

const bytesType = { 'content-type': 'application/octet-stream' }
