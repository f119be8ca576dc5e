import { chain } from '@gatelet/core'
import {
  type LambdaEventAlb,
  type LambdaEventV1,
  type LambdaEventV2,
  type LambdaOptions,
  lambda,
  lambdaLocal,
} from '@gatelet/functions'
import { call, exchange, type RequestLike, virtualClock } from '@gatelet/testing'
import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda'
import { describe, expect, expectTypeOf, test } from 'vitest'

const clock = virtualClock({ date: Date.UTC(2020, 2, 12, 19, 3, 58) })

/** The event that a function gets for a request. */
async function eventOf<T>(request: RequestLike, given: LambdaOptions = {}, state: object = {}): Promise<T> {
  let event: unknown
  const handler = lambda(
    lambdaLocal(async (got) => {
      event = got
      return { statusCode: 204 }
    }),
    { clock, ...given },
  )
  const { status } = await exchange(request, { state }).ask(chain<object>().to(handler) as never)
  expect(status).toBe(204)
  return event as T
}

const request: RequestLike = {
  method: 'POST',
  url: 'https://api.example.com/my/path?parameter1=value1&parameter1=value2&parameter2=value%20x',
  headers: [
    ['Header1', 'value1'],
    ['Header2', 'value1'],
    ['header2', 'value2'],
    ['Cookie', 'cookie1=a; cookie2=b'],
    ['User-Agent', 'agent'],
    ['Content-Type', 'text/plain'],
    ['Connection', 'keep-alive'],
    ['X-Forwarded-For', '10.9.9.9'],
    ['X_Forwarded_Proto', 'https'],
  ],
  body: 'Hello from Lambda',
  client: { address: '192.0.2.1', peer: '192.0.2.1' },
}

const forwarded = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-port': '443', 'x-forwarded-proto': 'https' }

test('the events are what the types of AWS say', () => {
  expectTypeOf<LambdaEventV2>().toExtend<Omit<APIGatewayProxyEventV2, 'requestContext'>>()
  expectTypeOf<LambdaEventV2['requestContext']>().toExtend<APIGatewayProxyEventV2['requestContext']>()
  expectTypeOf<LambdaEventV1>().toExtend<Omit<APIGatewayProxyEvent, 'requestContext'>>()
  expectTypeOf<LambdaEventAlb>().toExtend<ALBEvent>()
})

describe('format 2.0', () => {
  test('is the documented event, field by field', async () => {
    const event = await eventOf<LambdaEventV2>(
      request,
      {
        route: 'POST /my/{name}',
        api: { id: 'api-id', stage: 'prod', accountId: '123456789012' },
        authorizer: () => ({ jwt: { claims: { claim1: 'value1' }, scopes: ['scope1'] } }),
      },
      { params: { name: 'path' } },
    )
    expect(event).toEqual({
      version: '2.0',
      routeKey: 'POST /my/{name}',
      rawPath: '/my/path',
      rawQueryString: 'parameter1=value1&parameter1=value2&parameter2=value%20x',
      cookies: ['cookie1=a', 'cookie2=b'],
      headers: {
        header1: 'value1',
        header2: 'value1,value2',
        'user-agent': 'agent',
        'content-type': 'text/plain',
        host: 'api.example.com',
        'content-length': '17',
        ...forwarded,
      },
      queryStringParameters: { parameter1: 'value1,value2', parameter2: 'value x' },
      requestContext: {
        accountId: '123456789012',
        apiId: 'api-id',
        authorizer: { jwt: { claims: { claim1: 'value1' }, scopes: ['scope1'] } },
        domainName: 'api.example.com',
        domainPrefix: 'api',
        http: { method: 'POST', path: '/my/path', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'agent' },
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        routeKey: 'POST /my/{name}',
        stage: 'prod',
        time: '12/Mar/2020:19:03:58 +0000',
        timeEpoch: 1_584_039_838_000,
      },
      body: 'Hello from Lambda',
      pathParameters: { name: 'path' },
      isBase64Encoded: false,
    })
  })

  test('leaves out what is not there', async () => {
    const event = await eventOf<LambdaEventV2>('http://a.test/')
    expect(Object.keys(event)).not.toEqual(expect.arrayContaining(['cookies']))
    for (const name of ['body', 'cookies', 'pathParameters', 'queryStringParameters']) expect(event).not.toHaveProperty(name)
    expect(event).toMatchObject({ routeKey: '$default', rawQueryString: '', requestContext: { stage: '$default' } })
  })

  test('keeps a name that an object has of its own', async () => {
    const { queryStringParameters } = await eventOf<LambdaEventV2>('http://a.test/?__proto__=1&constructor=2&constructor=3')
    expect(Object.entries(queryStringParameters ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2,3'],
    ])
  })
})

describe('format 1.0', () => {
  test('has single and multiple values, and null for what is not there', async () => {
    const event = await eventOf<LambdaEventV1>(request, { payload: '1.0' })
    expect(event).toMatchObject({
      version: '1.0',
      resource: '/{proxy+}',
      path: '/my/path',
      httpMethod: 'POST',
      headers: { header2: 'value2', cookie: 'cookie1=a; cookie2=b' },
      multiValueHeaders: { header2: ['value1', 'value2'] },
      queryStringParameters: { parameter1: 'value2', parameter2: 'value x' },
      multiValueQueryStringParameters: { parameter1: ['value1', 'value2'], parameter2: ['value x'] },
      requestContext: {
        identity: { sourceIp: '192.0.2.1', userAgent: 'agent', accountId: null },
        requestTime: '12/Mar/2020:19:03:58 +0000',
        requestTimeEpoch: 1_584_039_838_000,
        authorizer: null,
        protocol: 'HTTP/1.1',
      },
      pathParameters: { proxy: 'my/path' },
      stageVariables: null,
      body: 'Hello from Lambda',
      isBase64Encoded: false,
    })
    const bare = await eventOf<LambdaEventV1>('http://a.test/', { payload: '1.0', route: 'GET /' })
    expect(bare).toMatchObject({ body: null, pathParameters: null, queryStringParameters: null, resource: '/' })
    expect(bare.multiValueQueryStringParameters).toBeNull()
  })
})

describe('a load balancer', () => {
  test('decodes nothing of the query, and tells single values or all of them, never both', async () => {
    const single = await eventOf<LambdaEventAlb>(request, { payload: 'alb' })
    expect(single.queryStringParameters).toEqual({ parameter1: 'value2', parameter2: 'value%20x' })
    expect(single.headers).toMatchObject({ header2: 'value1,value2', cookie: 'cookie1=a; cookie2=b', ...forwarded })
    expect(single).not.toHaveProperty('multiValueHeaders')
    const multi = await eventOf<LambdaEventAlb>(request, { payload: 'alb-multi-value' })
    expect(multi.multiValueQueryStringParameters).toEqual({ parameter1: ['value1', 'value2'], parameter2: ['value%20x'] })
    expect(multi.multiValueHeaders).toMatchObject({ header2: ['value1', 'value2'] })
    expect(multi).not.toHaveProperty('headers')
    expect(multi.requestContext.elb.targetGroupArn).toContain(':targetgroup/gatelet/')
  })

  test('has an empty body where there is none', async () => {
    expect(await eventOf('http://a.test/?a&b=', { payload: 'alb' })).toMatchObject({
      body: '',
      isBase64Encoded: false,
      queryStringParameters: { a: '', b: '' },
    })
  })
})

test.each([
  ['application/json', undefined, Buffer.from('{"ü":1}'), false],
  ['application/problem+json; charset=utf-8', undefined, Buffer.from('{}'), false],
  ['text/html', undefined, Buffer.from('<p>'), false],
  ['application/x-www-form-urlencoded', undefined, Buffer.from('a=b'), false],
  ['image/svg+xml', undefined, Buffer.from('<svg/>'), false],
  ['application/octet-stream', undefined, Buffer.from('abc'), true],
  ['text/plain', 'gzip', Buffer.from('abc'), true],
  ['text/plain', undefined, Buffer.from([0xff, 0xfe]), true],
  [undefined, undefined, Buffer.from('abc'), true],
] as const)('a body of %s (coding %s) comes whole', async (type, coding, body, isBase64Encoded) => {
  const headers = { ...(type ? { 'content-type': type } : {}), ...(coding ? { 'content-encoding': coding } : {}) }
  const event = await eventOf<LambdaEventV2>({ method: 'POST', url: 'http://a.test/', headers, body })
  expect(event.isBase64Encoded).toBe(isBase64Encoded)
  expect(Buffer.from(event.body ?? '', isBase64Encoded ? 'base64' : 'utf8')).toEqual(body)
})

test('a request that makes too long an event is answered 413, body or head', async () => {
  const handler = lambda(
    lambdaLocal(() => ({ statusCode: 200 })),
    { maxRequestBytes: 2_000 },
  )
  expect((await call(handler, { method: 'POST', url: '/', body: 'x'.repeat(2_001) })).status).toBe(413)
  expect((await call(handler, { method: 'POST', url: '/', body: Buffer.alloc(1_400) })).status).toBe(413)
  expect((await call(handler, { url: '/', headers: { 'x-a': 'x'.repeat(2_000) } })).status).toBe(413)
  expect((await call(handler, '/')).status).toBe(200)
})
