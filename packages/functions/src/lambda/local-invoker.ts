import { randomUUID } from 'node:crypto'
import { type Checks, type Clock, checkOptions, GatewayError, options, systemClock } from '@gatelet/core'
import { functionFailed } from './failure.ts'
import type { LambdaInvocation, LambdaInvoker } from './invoker.ts'

/** What a function is told of itself. */
export interface LambdaContext {
  readonly awsRequestId: string
  readonly functionName: string
  readonly functionVersion: string
  readonly invokedFunctionArn: string
  /** Megabytes. */
  readonly memoryLimitInMB: string
  readonly logGroupName: string
  readonly logStreamName: string
  callbackWaitsForEmptyEventLoop: boolean
  getRemainingTimeInMillis(): number
  done(error?: Error | string, result?: unknown): void
  fail(error: Error | string): void
  succeed(result?: unknown): void
}

/** A function of Lambda's: it returns a promise, or calls back. */
export type LambdaFunction = (
  event: never,
  context: LambdaContext,
  callback: (error?: Error | string | null, result?: unknown) => void,
) => unknown

/** What a function in this process is told of itself. */
export interface LambdaLocalOptions {
  /** Default: `function`. */
  name?: string
  /** Megabytes that it is told it has. Nothing is limited. Default: 128. */
  memoryMb?: number
  /** Where time comes from. */
  clock?: Clock
}

const checks: Checks<LambdaLocalOptions> = {
  name: options.optional(options.string),
  memoryMb: options.optional(options.number({ min: 128, max: 10_240, integer: true, unit: 'megabytes' })),
  clock: options.optional(options.clock),
}

/**
 * Calls a function in this process, with the same events and answers as anywhere else: for development, tests, and on the way to
 * Lambda or back. It is neither isolated nor cut: a late one goes on, unheard.
 * @throws GatewayError `BAD_OPTION`
 * @example lambda(lambdaLocal(async (event: APIGatewayProxyEventV2) => ({ statusCode: 200, body: event.rawPath })))
 */
export function lambdaLocal(fn: LambdaFunction, given: LambdaLocalOptions = {}): LambdaInvoker {
  const { name = 'function', memoryMb = 128, clock = systemClock } = checkOptions('lambdaLocal', given, checks)
  if (typeof fn !== 'function') throw options.wrong(fn, 'fn', 'a function of an event and a context')
  return {
    async invoke(call) {
      // As over the wire: the function gets a copy, and what JSON cannot say is lost on its way back.
      const event = JSON.parse(Buffer.from(call.payload).toString('utf8')) as never
      const payload = Buffer.from(JSON.stringify(await resultOf(fn, event, call)) ?? 'null')
      if (payload.byteLength > call.maxBytes)
        throw new GatewayError('RESPONSE_TOO_LARGE', { message: `the function answered with ${payload.byteLength} bytes` })
      return payload
    },
  }

  async function resultOf(fn: LambdaFunction, event: never, { timeoutMs }: LambdaInvocation): Promise<unknown> {
    const endsAt = clock.now() + timeoutMs
    try {
      return await new Promise<unknown>((resolve, reject) => {
        const done = (error?: Error | string | null, result?: unknown) => (error ? reject(error) : resolve(result))
        const context = contextOf(() => Math.max(0, endsAt - clock.now()), done)
        const returned = fn(event, context, done)
        // One that takes a callback and returns nothing will call it.
        if (returned !== undefined || fn.length < 3) resolve(returned)
      })
    } catch (error) {
      throw functionFailed('Unhandled', error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }

  function contextOf(remainingMs: () => number, done: (error?: Error | string | null, result?: unknown) => void): LambdaContext {
    return {
      awsRequestId: randomUUID(),
      functionName: name,
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      memoryLimitInMB: String(memoryMb),
      logGroupName: `/aws/lambda/${name}`,
      logStreamName: 'local',
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: remainingMs,
      done,
      fail: (error) => done(error),
      succeed: (result) => done(null, result),
    }
  }
}
