import { eventStream } from '@gatelet/core'
import { createWebSocketCalls, jsonRpc } from '@gatelet/websocket'
import type { Subject } from './subjects.ts'

/** Options of what turns one protocol into another. */
export const translateSubjects: Readonly<Record<string, Subject>> = {
  EventStreamOptions: {
    through: (options) => eventStream(() => {}, options),
    bad: { heartbeatMs: 0, retryMs: 0.5, headers: ['x'], maxBufferedBytes: 0, clock: Date },
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
}
