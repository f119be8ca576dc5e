import { eventStream } from '@gatelet/core'
import { createWebSocketCalls, jsonRpc, sseFromWebSocket, webSocketFromSse } from '@gatelet/websocket'
import type { Subject } from './subjects.ts'

/** Options of what turns one protocol into another. */
export const translateSubjects: Readonly<Record<string, Subject>> = {
  EventStreamOptions: {
    through: (options) => eventStream(() => {}, options),
    bad: { heartbeatMs: 0, retryMs: 0.5, headers: ['x'], maxBufferedBytes: 0, endAtDrain: true, clock: Date },
  },
  JsonRpcOptions: { through: jsonRpc, bad: { maxBatch: 0, statusOf: 200, cancel: 'cancel' } },
  WebSocketCallsOptions: {
    through: createWebSocketCalls,
    good: { endpoints: 'ws://127.0.0.1:9' },
    bad: {
      endpoints: 'ftp://127.0.0.1',
      codec: { encode() {} },
      path: 'rpc',
      headers: { a: 1 },
      protocols: ['a b'],
      tls: 'ca.pem',
      connections: 0,
      timeoutMs: 0,
      connectMs: '1s',
      maxPending: 0,
      maxBufferedBytes: 0,
      stallMs: -1,
      maxMessageBytes: 1.5,
      maxRequestBytes: '1mb',
      heartbeatMs: 0,
      idleMs: 0,
      idempotent: true,
      reconnect: 5,
      onPush: 'push',
      clock: Date,
    },
  },
  ReconnectOptions: {
    through: (reconnect) => createWebSocketCalls({ endpoints: 'ws://127.0.0.1:9', reconnect }),
    at: 'reconnect',
    bad: { baseMs: 0, maxMs: '1s' },
  },
  SseFromWebSocketOptions: {
    through: sseFromWebSocket,
    good: { endpoints: 'ws://127.0.0.1:9' },
    bad: {
      endpoints: [],
      path: '/feed',
      headers: {},
      protocols: 'v1',
      tls: 'ca.pem',
      subscribe: 'all',
      toEvents: {},
      isFinished: false,
      expiresAt: 7,
      sending: true,
      heartbeatMs: 0,
      retryMs: -1,
      connectMs: 0,
      maxMessageBytes: 0,
      maxBufferedBytes: '1mb',
      maxStreams: 0,
      clock: Date,
    },
  },
  SendingOptions: {
    through: (sending) => sseFromWebSocket({ endpoints: 'ws://127.0.0.1:9', sending }),
    at: 'sending',
    bad: { tokenMs: 9, owner: 'ada' },
  },
  WebSocketFromSseOptions: {
    through: webSocketFromSse,
    good: { from: () => never() },
    bad: {
      from: 'http://127.0.0.1:9',
      sendTo: {},
      toMessage: 'json',
      silenceMs: -1,
      lastEventId: '7',
      resume: 1,
      expiresAt: 'soon',
      retryMs: -1,
      maxFailures: 0,
      origins: ['https://shop.example/'],
      protocols: [''],
      heartbeatMs: 0,
      maxMessageBytes: 0,
      maxBufferedBytes: 0,
      maxQueued: 0,
      clock: Date,
    },
  },
}

const never = (): never => {
  throw new Error('nothing is asked')
}
