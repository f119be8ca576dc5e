import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, canonicalize, GatewayError, isNamed, systemClock } from '@gatelet/core'
import { type Adapter, type Expectation, maxFieldsOf } from './adapter.ts'
import { type ClientError, clientError } from './client-error.ts'
import { connectionOf } from './connection.ts'
import { ForeignListeners, type Listener } from './foreign-listeners.ts'
import { askBeforeUpgrade, servePlain } from './plain-request.ts'
import { answerRaw } from './raw-answer.ts'

/** A handler on a server: for all of it, or for what lies below a path. */
export interface Attachment {
  readonly adapter: Adapter
  /** Canonical, without a slash behind. Empty: everything. */
  readonly mount: string
}

const known = new WeakMap<Server, Attachments>()

/** @returns its undo. @throws GatewayError `BAD_OPTION` where something is attached at the same path already */
export function addAttachment(server: Server, attachment: Attachment): () => void {
  const attachments = known.get(server) ?? new Attachments(server)
  known.set(server, attachments)
  return attachments.add(attachment)
}

/** What is attached to one server. Listens once for all of them; of two that own a path, the one with the longer mount has it. */
class Attachments {
  private readonly server: Server
  private readonly listeners: Readonly<Record<string, Listener>>
  private readonly foreign: ForeignListeners
  private list: readonly Attachment[] = []
  private stopAsking: () => void = () => {}

  constructor(server: Server) {
    this.server = server
    this.listeners = this.ownListeners()
    this.foreign = new ForeignListeners(server, this.listeners, (req) => this.owner(req) !== undefined)
  }

  add(attachment: Attachment): () => void {
    const { adapter, mount } = attachment
    if (this.list.some((other) => other.mount === mount)) {
      const message = `attach: something is attached to this server at ${mount || '/'} already`
      throw new GatewayError('BAD_OPTION', { path: 'mount', message })
    }
    if (this.list.length === 0) this.listen()
    this.list = [...this.list, { adapter, mount }].sort((a, b) => b.mount.length - a.mount.length)
    return () => this.remove(adapter)
  }

  private remove(adapter: Adapter): void {
    const before = this.list.length
    this.list = this.list.filter((other) => other.adapter !== adapter)
    if (before > 0 && this.list.length === 0) this.unlisten()
  }

  private listen(): void {
    for (const [event, listener] of Object.entries(this.listeners)) this.server.on(event, listener)
    this.foreign.guard()
    this.stopAsking = askBeforeUpgrade(this.server, (req) => this.isHandshake(req) || this.isForeignUpgrade(req))
  }

  private unlisten(): void {
    this.foreign.unguard()
    this.stopAsking()
    for (const [event, listener] of Object.entries(this.listeners)) this.server.off(event, listener)
  }

  private owner(req: IncomingMessage): Adapter | undefined {
    const { list } = this
    if (list.length === 1 && list[0]?.mount === '') return list[0].adapter
    const path = pathOf(req.url ?? '')
    return list.find(({ mount }) => path === mount || path.startsWith(`${mount}/`) || mount === '')?.adapter
  }

  private ownListeners(): Record<string, Listener> {
    return {
      request: (req: IncomingMessage, res: ServerResponse) => this.owner(req)?.request(req, res),
      checkContinue: (req: IncomingMessage, res: ServerResponse) => this.onExpect('checkContinue', req, res),
      checkExpectation: (req: IncomingMessage, res: ServerResponse) => this.onExpect('checkExpectation', req, res),
      upgrade: (req: IncomingMessage, socket: Socket, head: Buffer) => this.onUpgrade(req, socket, head),
      connect: (req: IncomingMessage, socket: Socket) => this.onConnect(req, socket),
      clientError: (error: ClientError, socket: Socket) =>
        clientError(error, socket, this.clock, !this.foreign.listensTo('clientError')),
    }
  }

  private onExpect(event: 'checkContinue' | 'checkExpectation', req: IncomingMessage, res: ServerResponse): void {
    const expectation: Expectation = event === 'checkContinue' ? 'continue' : 'unknown'
    const owner = this.owner(req)
    if (owner) owner.request(req, res, expectation)
    else if (!this.foreign.listensTo(event)) this.onForeignExpect(expectation, req, res)
  }

  // What Node does where nobody listens.
  private onForeignExpect(expectation: Expectation, req: IncomingMessage, res: ServerResponse): void {
    if (expectation === 'unknown') {
      res.writeHead(417).end()
    } else {
      res.writeContinue()
      this.server.emit('request', req, res)
    }
  }

  private onUpgrade(req: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.isForeignUpgrade(req) || this.endsAfterReplies(req)) return
    // Since Node 26 this is a stream of its own where the request has a body, and an unheard 'error' ends the process.
    if (socket !== req.socket) socket.on('error', () => {})
    if (this.isHandshake(req)) this.owner(req)?.upgrade(req, head)
    else if (req.rawHeaders.length < maxFieldsOf(this.server) * 2) servePlain(this.server, req, head)
    else this.answer(req, new GatewayError('HEADERS_TOO_LARGE'))
  }

  private isForeignUpgrade(req: IncomingMessage): boolean {
    return !this.owner(req) && this.foreign.listensTo('upgrade')
  }

  private isHandshake(req: IncomingMessage): boolean {
    return this.owner(req) !== undefined && req.httpVersion === '1.1' && isNamed(req.headers.upgrade ?? '', 'websocket')
  }

  private onConnect(req: IncomingMessage, socket: Socket): void {
    if (this.foreign.listensTo('connect') || this.endsAfterReplies(req)) return
    if (this.owner(req)) this.answer(req, new GatewayError('METHOD_NOT_IMPLEMENTED'))
    else socket.destroy() // As Node does where nobody listens.
  }

  private answer({ socket }: IncomingMessage, error: GatewayError): void {
    socket.on('error', () => {})
    answerRaw(socket, error, this.clock)
  }

  // The parser lets a socket go while replies to the requests before are still to come. What was pipelined behind them is
  // then not looked at: an answer to it would overtake them.
  private endsAfterReplies(req: IncomingMessage): boolean {
    const connection = connectionOf(req.socket)
    if (connection.exchanges.size === 0) return false
    connection.endAfterReplies()
    return true
  }

  private get clock(): Clock {
    return this.list[0]?.adapter.clock ?? systemClock
  }
}

const anyPath = { doubleSlash: true, encodedSlash: true, encodedBackslash: true }

// Which handler a request belongs to is decided on the path that the handler will see. One that has no canonical form goes
// by how it looks, and is refused there.
function pathOf(target: string): string {
  try {
    return canonicalize(target, anyPath).path
  } catch {
    return target.split('?', 1)[0] as string
  }
}
