import { type LambdaClientEvent, type LambdaClientInput, type LambdaClientLike, lambda, lambdaClient } from '@gatelet/functions'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

const chunk = (text: string): LambdaClientEvent => ({ PayloadChunk: { Payload: Buffer.from(text) } })

function client(given: Partial<LambdaClientLike>): LambdaClientLike & { inputs: LambdaClientInput[] } {
  const inputs: LambdaClientInput[] = []
  const invoke = async (input: LambdaClientInput) => {
    inputs.push(input)
    return { Payload: Buffer.from('"hi"') }
  }
  return { inputs, invoke, ...given }
}

async function* events(...all: LambdaClientEvent[]): AsyncGenerator<LambdaClientEvent> {
  yield* all
}

test('a client is asked for the function, and its payload is the answer', async () => {
  const aws = client({})
  const answer = await call(lambda(lambdaClient(aws, { name: 'orders', qualifier: 'live' })), '/a')
  expect([answer.status, await answer.text()]).toEqual([200, 'hi'])
  expect(aws.inputs[0]).toMatchObject({ FunctionName: 'orders', InvocationType: 'RequestResponse', Qualifier: 'live' })
  expect(JSON.parse(Buffer.from(aws.inputs[0]?.Payload ?? []).toString())).toMatchObject({ rawPath: '/a' })
})

test.each([
  [{ FunctionError: 'Unhandled', Payload: Buffer.from('{"errorMessage":"secret"}') }, 502, 'FUNCTION_FAILED'],
  [{ Payload: Buffer.alloc(6_291_457) }, 502, 'RESPONSE_TOO_LARGE'],
])('an output of %o is an error', async (output, status, code) => {
  const answer = await call(lambda(lambdaClient(client({ invoke: async () => output }), { name: 'x' })))
  expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([status, code])
})

test.each([
  [{ name: 'TooManyRequestsException', message: 'secret' }, 503, 'FUNCTION_BUSY'],
  [{ name: 'RequestTooLargeException', message: 'secret', $metadata: { httpStatusCode: 413 } }, 413, 'BODY_TOO_LARGE'],
  [{ name: 'ResourceNotFoundException', message: 'secret', $metadata: { httpStatusCode: 404 } }, 502, 'UPSTREAM_BAD_RESPONSE'],
  [Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }), 502, 'UPSTREAM_CONNECT_FAILED'],
  [Object.assign(new Error('secret'), { code: 'ECONNRESET' }), 502, 'UPSTREAM_RESET'],
])('a client that throws %o is an error of ours', async (error, status, code) => {
  const answer = await call(lambda(lambdaClient(client({ invoke: () => Promise.reject(error) }), { name: 'x' })))
  const body = await answer.text()
  expect([answer.status, JSON.parse(body).code]).toEqual([status, code])
  expect(body).not.toContain('secret')
})

test('a streamed answer comes in the events of the client', async () => {
  const aws = client({
    invokeWithResponseStream: async () => ({
      EventStream: events(chunk('{"statusCode":201}\0\0\0'), chunk('\0\0\0\0\0bo'), {}, chunk('dy'), { InvokeComplete: {} }),
    }),
  })
  const answer = await call(lambda(lambdaClient(aws, { name: 'x' }), { streaming: 'http' }))
  expect([answer.status, await answer.text()]).toEqual([201, 'body'])
})

test.each([
  ['fails on the way', events(chunk('x'), { InvokeComplete: { ErrorCode: 'Function.ResponseSizeTooLarge' } })],
  ['ends too early', events(chunk('x'))],
  ['is not there', undefined],
])('a streamed answer that %s breaks off', async (_, EventStream) => {
  const aws = client({ invokeWithResponseStream: async () => ({ EventStream }) })
  const answer = await call(lambda(lambdaClient(aws, { name: 'x' }), { streaming: 'raw' }))
  await expect(answer.text()).rejects.toThrow()
})

test('a client that cannot stream is not told to', () => {
  expect(() => lambda(lambdaClient(client({}), { name: 'x' }), { streaming: 'http' })).toThrow(/streaming must be false/)
  expect(() => lambdaClient({} as never, { name: 'x' })).toThrow(/client must be a client with invoke/)
  expect(() => lambda({} as never)).toThrow(/invoker must be lambdaHttp/)
})
