/**
 * What a block that is only a part of a program takes for granted, by page and number of the block. On one line each, so that
 * the lines of the block stay what they are.
 */
export const fragments: Readonly<Record<string, string>> = {
  'README.md#2':
    "import { chain, createBalancer, createRouter, json, type Middleware, proxy, serve } from 'gatelet'; declare const yourLayer: Middleware; ",
  'README.md#3': "import type { Context, Reply } from 'gatelet'; ",
  'docs/guides/discover-endpoints.md#2': 'declare function serversFromDatabase(): Promise<string[]>; ',
  'docs/guides/http-to-websocket.md#2': "import { jsonRpc } from 'gatelet/websocket'; ",
  'docs/guides/http-to-websocket.md#3': "import { type CallCodec, createWebSocketCalls } from 'gatelet/websocket'; ",
  'docs/guides/in-a-fetch-host.md#2':
    "import type { Handler } from 'gatelet'; import { toFetch } from 'gatelet/fetch'; declare const gateway: Handler; declare namespace Deno { interface NetAddr { hostname: string } interface ServeHandlerInfo<A> { remoteAddr: A } function serve(handler: (request: Request, info: ServeHandlerInfo<NetAddr>) => Response | Promise<Response>): void } ",
  'docs/guides/in-a-fetch-host.md#3':
    "import type { Handler } from 'gatelet'; import { toFetch } from 'gatelet/fetch'; declare const gateway: Handler; interface Server { requestIP(request: Request): { address: string } | null } declare const Bun: { serve(how: { fetch(request: Request, server: Server): Response | Promise<Response> }): void }; ",
  'docs/guides/in-a-fetch-host.md#4':
    "import type { Handler } from 'gatelet'; import { toFetch } from 'gatelet/fetch'; declare const gateway: Handler; ",
  'docs/guides/in-a-fetch-host.md#5':
    "import type { Handler } from 'gatelet'; import { toFetch } from 'gatelet/fetch'; declare const gateway: Handler; interface ExecutionContext { waitUntil(work: Promise<unknown>): void } ",
  'docs/guides/in-a-fetch-host.md#6':
    "import { chain, type Middleware, serve } from 'gatelet'; import { fromFetch } from 'gatelet/fetch'; import { Hono } from 'hono'; declare const timed: Middleware; ",
  'docs/guides/server-sent-events.md#2':
    "import { EventEmitter } from 'node:events'; import type { Handler } from 'gatelet'; import { eventStream } from 'gatelet/core'; const shop = new EventEmitter(); ",
  'docs/guides/write-a-middleware.md#1': "import type { Context, Handler, Reply } from 'gatelet'; ",
  'docs/guides/write-a-rate-store.md#1':
    "import type { MaybePromise } from 'gatelet/core'; import type { RateRequest, RateVerdict } from 'gatelet/rate-limiter'; ",
  'docs/guides/write-a-strategy.md#1': "import type { Endpoint, Outcome, PickContext } from 'gatelet'; ",
  'packages/router/README.md#2':
    "import { chain, json, type Middleware } from '@gatelet/core'; import { createRouter } from '@gatelet/router'; declare const named: Middleware<{}, { caller: string }>; ",
  'packages/testing/README.md#2':
    "import type { Middleware, StrategyFactory } from '@gatelet/core'; declare const keys: object; declare const cheapestFirst: StrategyFactory; declare function membersOnly(how: { keys: object }): Middleware<{}, { member: string }>; ",
  'packages/testing/README.md#3': "import { twoChoices } from '@gatelet/balancer'; import { simulate } from '@gatelet/testing'; ",
}

/** Files of the reader's own that programs import. */
export const neighbours: Readonly<Record<string, string>> = {
  'database.ts':
    'interface Client { query(text: string, how: { signal: AbortSignal }): Promise<unknown> }\nexport declare function createClient(host: string): Client\n',
}
