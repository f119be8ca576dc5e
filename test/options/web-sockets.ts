import { notFound } from '@gatelet/core'
import { type RedisClient, redisConnectionBus } from '@gatelet/redis'
import { createWebSocketApi, type HandshakeOptions, webSocket, webSocketManagement } from '@gatelet/websocket'
import type { Subject } from './subjects.ts'

const never = () => {}
const redis = { on: never, subscribe: never, isReady: false, sendCommand: never } as unknown as RedisClient

const handshake: Record<keyof HandshakeOptions, unknown> = {
  origins: ['shop.example'],
  protocols: ['a b'],
  compress: 1,
  expiresAt: 5,
  clock: Date,
}

const limited = {
  maxMessageBytes: 0,
  maxConnections: 0,
  messagesPerSecond: 0,
  bytesPerSecond: '1mb',
  burstSeconds: 0,
  overRateCode: 1000,
  maxQueued: 0,
  maxBufferedBytes: 0.5,
  heartbeatMs: 0,
  idleTimeoutMs: -1,
  maxLifeMs: '2h',
}

/** Options of what takes clients' WebSockets. */
export const webSocketSubjects: Readonly<Record<string, Subject>> = {
  HandshakeOptions: { through: webSocket, good: { onConnection: never }, bad: handshake },
  WebSocketOptions: {
    through: webSocket,
    good: { onConnection: never },
    bad: { onConnection: 'log', ...limited, ...handshake },
  },
  WebSocketApiOptions: {
    through: createWebSocketApi,
    good: { routes: { $default: notFound } },
    bad: {
      routes: { $other: notFound },
      routeSelectionExpression: '$request.header.x',
      authorizer: 'ada',
      routeTimeoutMs: 30_000,
      maxReplyBytes: 0,
      maxEarly: 0,
      bus: {},
      stage: '',
      apiId: 1,
      stageVariables: { a: 1 },
      ...limited,
      ...handshake,
    },
  },
  WebSocketRoute: {
    through: (route) => createWebSocketApi({ routes: { $default: route } }),
    at: 'routes.$default',
    good: { to: notFound },
    bad: { to: 'chat', send: 'raw', respond: 1 },
  },
  WebSocketManagementOptions: {
    through: webSocketManagement,
    good: { api: createWebSocketApi({ routes: { $default: notFound } }), authorize: 'anyone' },
    bad: { api: notFound, authorize: 'none', maxMessageBytes: 0, messageOf: 'text' },
  },
  RedisConnectionBusOptions: {
    through: (options) => redisConnectionBus(redis, redis as never, options),
    bad: { prefix: '', timeoutMs: 0, maxPending: 0, clock: Date },
  },
}
