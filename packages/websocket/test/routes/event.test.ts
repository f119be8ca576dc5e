import type { WebSocketEvent } from '@gatelet/websocket'
import type {
  APIGatewayEventWebsocketRequestContextV2,
  APIGatewayProxyWebsocketEventV2,
  APIGatewayProxyWebsocketEventV2WithRequestContext,
} from 'aws-lambda'
import { expect, expectTypeOf, test } from 'vitest'
import { recorder, runningApi } from './api.ts'

test('an event is what a function of AWS Lambda gets', async () => {
  const events = recorder()
  await using api = await runningApi({
    stage: 'prod',
    apiId: 'chat',
    stageVariables: { table: 'rooms' },
    routes: { $connect: events.to, say: events.to, $disconnect: events.to },
  })
  const client = await api.open('/?a=1', { headers: { 'user-agent': 'test' } })
  client.socket.send('{"action":"say"}')
  await events.some(2)
  client.socket.close(1000)
  const [connect, message, disconnect] = await events.some(3)
  const common = {
    connectionId: expect.stringMatching(/^[\w.-]+$/),
    connectedAt: expect.any(Number),
    requestId: expect.any(String),
    extendedRequestId: expect.any(String),
    requestTime: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
    requestTimeEpoch: expect.any(Number),
    messageDirection: 'IN',
    stage: 'prod',
    apiId: 'chat',
    domainName: '127.0.0.1',
    identity: { sourceIp: '127.0.0.1', userAgent: 'test' },
  }
  expect(connect).toEqual({
    requestContext: { ...common, routeKey: '$connect', eventType: 'CONNECT' },
    headers: expect.objectContaining({ 'user-agent': 'test' }),
    multiValueHeaders: expect.objectContaining({ 'user-agent': ['test'] }),
    queryStringParameters: { a: '1' },
    multiValueQueryStringParameters: { a: ['1'] },
    stageVariables: { table: 'rooms' },
    isBase64Encoded: false,
  })
  expect(message).toEqual({
    requestContext: { ...common, routeKey: 'say', eventType: 'MESSAGE', messageId: message?.requestContext.requestId },
    body: '{"action":"say"}',
    stageVariables: { table: 'rooms' },
    isBase64Encoded: false,
  })
  expect(disconnect).toMatchObject({
    requestContext: {
      ...common,
      routeKey: '$disconnect',
      eventType: 'DISCONNECT',
      disconnectStatusCode: 1000,
      disconnectReason: '',
    },
    headers: expect.objectContaining({ 'user-agent': 'test' }),
    isBase64Encoded: false,
  })
  expect(new Set([connect, message, disconnect].map((event) => event?.requestContext.requestId)).size).toBe(3)
})

test('its type has what the type of Lambda’s events has', () => {
  expectTypeOf<WebSocketEvent['requestContext']['eventType']>().toEqualTypeOf<
    APIGatewayEventWebsocketRequestContextV2['eventType']
  >()
  expectTypeOf<keyof APIGatewayProxyWebsocketEventV2>().toExtend<keyof WebSocketEvent>()
  expectTypeOf<
    Exclude<keyof APIGatewayEventWebsocketRequestContextV2, keyof WebSocketEvent['requestContext']>
  >().toEqualTypeOf<never>()
  expectTypeOf<keyof APIGatewayProxyWebsocketEventV2WithRequestContext<object>>().toExtend<keyof WebSocketEvent>()
})
