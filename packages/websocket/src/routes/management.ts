import {
  bytesOf,
  type Checks,
  type Context,
  checkOptions,
  empty,
  GatewayError,
  type Handler,
  json,
  options,
  problem,
  type Reply,
} from '@gatelet/core'
import type { Frame } from '../translate/frame.ts'
import { textOrBytes } from './ask-route.ts'
import type { ConnectionAnswer } from './bus.ts'
import type { WebSocketApi } from './web-socket-api.ts'

/** Who may reach which connections. */
export interface WebSocketManagementOptions<S extends object = {}> {
  /** Whose connections. */
  api: WebSocketApi
  /**
   * Whether a request may reach the connection; false answers 403. `'anyone'` where a layer in front has decided already: who gets here
   * can speak to every client.
   */
  authorize: ((ctx: Context<S>, connectionId: string) => boolean | Promise<boolean>) | 'anyone'
  /** Bytes of a message, beyond which the answer is 413. Default 128 KiB. */
  maxMessageBytes?: number
  /** What is sent of a body. Default: text where it is UTF-8, else bytes. */
  messageOf?: (body: Uint8Array, ctx: Context<S>) => Frame
}

const { either, fn, number, oneOf, optional, wrong } = options

/** What each option must be. */
const webSocketManagementChecks: Checks<WebSocketManagementOptions> = {
  api(value, path) {
    const { post, look, disconnect } = (value ?? {}) as Partial<WebSocketApi>
    if (!post || !look || !disconnect) throw wrong(value, path, 'what createWebSocketApi returns')
    return value as WebSocketApi
  },
  authorize: either(
    "a function (ctx, connectionId) => boolean, or 'anyone'",
    oneOf('anyone'),
    fn<Exclude<WebSocketManagementOptions['authorize'], string>>(),
  ),
  maxMessageBytes: optional(number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })),
  messageOf: optional(fn<NonNullable<WebSocketManagementOptions['messageOf']>>('a function (body, ctx) => message')),
}

/**
 * Reaches connections by HTTP, as the management API of AWS does, at any path that ends in `/@connections/{id}`: POST sends its body
 * (200), GET tells since when there is the connection (200), DELETE closes it (204). 410: there is none. 413: too long. 429: too much
 * waits for that client.
 * @throws GatewayError `BAD_OPTION`
 * @example router.any('/@connections/:id', webSocketManagement({ api, authorize: (ctx) => ctx.state.principal.roles.has('push') }))
 */
export function webSocketManagement<S extends object = {}>(options: WebSocketManagementOptions<S>): Handler<S> {
  const given = checkOptions<WebSocketManagementOptions>('webSocketManagement', options, webSocketManagementChecks)
  const settings: Settings = { maxMessageBytes: 131_072, messageOf: textOrBytes, ...given }
  return async function webSocketManagement(given) {
    const ctx = given as Context
    const id = idIn(ctx.request.url.path)
    if (id === undefined) return problem(new GatewayError('NOT_FOUND'))
    if (settings.authorize !== 'anyone' && (await settings.authorize(ctx, id)) !== true) throw new GatewayError('FORBIDDEN')
    switch (ctx.request.method) {
      case 'POST':
        return replyTo(await settings.api.post(id, await messageIn(ctx, settings)))
      case 'GET':
      case 'HEAD':
        return found(await settings.api.look(id))
      case 'DELETE':
        return (await settings.api.disconnect(id)) ? empty(204) : gone()
      default:
        throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'GET, HEAD, POST, DELETE' } })
    }
  }
}

type Settings = Required<WebSocketManagementOptions>

function idIn(path: string): string | undefined {
  const [, text] = /\/(?:@|%40)connections\/([^/]+)$/i.exec(path) ?? []
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}

async function messageIn(ctx: Context, { maxMessageBytes, messageOf }: Settings): Promise<Frame> {
  return messageOf(await bytesOf(ctx.request.body, maxMessageBytes), ctx)
}

function replyTo(result: ConnectionAnswer['result']): Reply {
  if (result === 'done') return empty(200)
  if (result === 'gone') return gone()
  if (result === 'large') throw new GatewayError('BODY_TOO_LARGE')
  return problem({
    status: 429,
    title: 'Too much waits for this client',
    headers: { 'retry-after': '1' },
    more: { code: 'BUSY' },
  })
}

function found(info: object | undefined): Reply {
  return info ? json(info, { headers: { 'cache-control': 'no-store' } }) : gone()
}

const gone = (): Reply => problem({ status: 410, title: 'There is no such connection', more: { code: 'GONE' } })
