import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { canonicalize, GatewayError, isNamed } from '@gatelet/core'
import type { Adapter, Expectation } from './adapter.ts'
import { type ClientError, clientError } from './client-error.ts'
import { ForeignListeners, type Listener } from './foreign-listeners.ts'
import { servePlain } from './plain-request.ts'
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
  }

  private unlisten(): void {
    this.foreign.unguard()
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
      clientError: (error: ClientError, socket: Socket) => {
        const clock = this.list[0]?.adapter.clock
        if (clock) clientError(error, socket, clock, !this.foreign.listensTo('clientError'))
      },
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
    const owner = this.owner(req)
    if (!owner && this.foreign.listensTo('upgrade')) return
    if (owner && req.httpVersion === '1.1' && isNamed(req.headers.upgrade ?? '', 'websocket')) owner.upgrade(req, socket, head)
    else servePlain(this.server, req, socket, head)
  }

  private onConnect(req: IncomingMessage, socket: Socket): void {
    if (this.foreign.listensTo('connect')) return
    socket.on('error', () => {})
    const clock = this.owner(req)?.clock
    if (clock) answerRaw(socket, new GatewayError('METHOD_NOT_IMPLEMENTED'), clock)
    else socket.destroy() // As Node does where nobody listens.
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
