import { describeAdapter } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { http2Starter } from './http2-bridge.ts'

// What HTTP/2 does not have: connections that end with a reply, older versions, pipelining, names in capitals; and what the
// bridge itself refuses to pass on. `http2.test.ts` holds what there is in their place.
const notInHttp2: ReadonlySet<string> = new Set([
  'ends the connection of an HTTP/1.0 client with the reply, without chunks',
  'ends the connection when a layer says so',
  'sends none to a client that does not know them',
  'aborts every request that a client has pipelined when it leaves',
  'shows header fields as they came, each line of a name',
  'refuses a second Host before a layer sees it',
  'refuses a Host that is none before a layer sees it',
  'sends fields in latin1 and a body in UTF-8',
])

describeAdapter('http2', http2Starter, {
  describe,
  test: (name, run) => test.skipIf(notInHttp2.has(name))(name, run),
  upgrades: false,
})
