import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@gatelet/core'
import type { Fault } from './fault.ts'
import { FaultSwitch } from './fault-switch.ts'
import { Listener } from './listener.ts'
import { meetFault } from './meet-fault.ts'
import type { Origin, OriginHandler, UpgradeHandler } from './origin.ts'
import { type ReceivedRequest, RequestRecord } from './received-request.ts'
import { Watch } from './watch.ts'

/** What all origins of a farm share. */
export interface OriginSettings {
  readonly handler: OriginHandler
  readonly upgrade: UpgradeHandler | undefined
  readonly keepRequests: number
  readonly keepBodyBytes: number
  readonly clock: Clock
}

const MAX_ERRORS = 100

/** One origin of a farm. */
export class OriginServer implements Origin {
  readonly id: number
  handler: OriginHandler
  hits = 0
  readonly errors: unknown[] = []
  readonly #settings: OriginSettings
  readonly #watch = new Watch()
  readonly #listener = new Listener(() => this.#watch.changed())
  readonly #faults = new FaultSwitch()
  readonly #held = new Set<() => void>()
  #requests: RequestRecord[] = []
  #connectionsBefore = 0
  #isStopped = true
  #opening: Promise<void> = Promise.resolve()

  constructor(id: number, settings: OriginSettings) {
    this.id = id
    this.handler = settings.handler
    this.#settings = settings
    const { server } = this.#listener
    server.on('request', (req, res) => this.#take(req, res, () => this.#answer(req, res)))
    if (settings.upgrade) server.on('upgrade', (req, _, head) => this.#takeUpgrade(req, head))
  }

  get port(): number {
    return this.#listener.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get requests(): readonly ReceivedRequest[] {
    return this.#requests
  }

  get sockets(): number {
    return this.#listener.sockets.size
  }

  get connections(): number {
    return this.#listener.accepted - this.#connectionsBefore
  }

  get fault(): Fault | undefined {
    return this.#faults.current
  }

  set fault(fault: Fault | undefined) {
    this.#faults.set(fault)
    this.#openOrShut()
  }

  release(): void {
    const held = [...this.#held]
    this.#held.clear()
    for (const goOn of held) goOn()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#listener.kill()
    await this.#opening.catch(() => {})
    await this.when(() => this.sockets === 0)
  }

  async start(): Promise<void> {
    this.#isStopped = false
    this.#openOrShut()
    await this.#opening
  }

  async reset(): Promise<void> {
    this.release()
    this.fault = undefined
    this.handler = this.#settings.handler
    this.hits = 0
    this.#requests = []
    this.errors.length = 0
    this.#connectionsBefore = this.#listener.accepted
    await this.start()
  }

  when(condition: (origin: Origin) => unknown, withinMs = 5000): Promise<void> {
    const missing = () => `origin ${this.id} did not come to the state in ${withinMs} ms: it has ${this.#state()}`
    return this.#watch.until(() => Boolean(condition(this)), withinMs, missing)
  }

  #state(): string {
    const open = this.#requests.filter(({ complete }) => !complete).length
    return `${this.hits} requests (${open} incomplete), ${this.sockets} open connections of ${this.connections}`
  }

  // One opening after the other: a fault may be switched faster than a port opens.
  #openOrShut(): void {
    if (this.#isRefusing) this.#listener.shut()
    else this.#opening = this.#opening.catch(() => {}).then(() => this.#open())
    // A port that cannot be had is told by start() and reset(), which wait for it.
    this.#opening.catch(() => {})
  }

  async #open(): Promise<void> {
    if (!this.#isRefusing) await this.#listener.open()
    if (this.#isRefusing) this.#listener.shut()
  }

  get #isRefusing(): boolean {
    return this.#isStopped || this.fault?.kind === 'refuse'
  }

  #take(req: IncomingMessage, res: ServerResponse, proceed: () => void): void {
    const connection = this.#listener.sockets.get(req.socket) ?? 0
    const fault = this.#faults.meet(req.socket)
    const record = new RequestRecord(req, connection, fault?.kind)
    record.tap(req, this.#settings.keepBodyBytes, () => this.#watch.changed())
    this.#keep(record)
    res.on('error', () => {})
    res.on('close', () => {
      record.aborted = !res.writableFinished
      this.#watch.changed()
    })
    meetFault(fault, {
      req,
      res,
      clock: this.#settings.clock,
      proceed,
      hold: (task) => this.#hold(task, res),
      readAhead: () => {
        record.isReadAhead = true
      },
    })
  }

  #takeUpgrade(req: IncomingMessage, head: Buffer): void {
    const { socket } = req
    const res = new ServerResponse(req)
    res.assignSocket(socket)
    res.shouldKeepAlive = false
    res.on('finish', () => socket.end())
    this.#take(req, res, () => {
      res.detachSocket(socket)
      this.#guarded(
        () => this.#settings.upgrade?.(req, socket, head, this),
        (text) => socket.end(`HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n${text}`),
      )
    })
  }

  #keep(record: RequestRecord): void {
    this.hits++
    this.#requests.push(record)
    if (this.#requests.length > this.#settings.keepRequests) this.#requests.shift()
    this.#watch.changed()
  }

  #hold(task: () => void, res: ServerResponse): () => void {
    const letGo = () => void this.#held.delete(task)
    this.#held.add(task)
    res.on('close', letGo)
    return letGo
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    this.#guarded(
      () => this.handler(req, res, this),
      (text) => (res.headersSent ? res.destroy() : res.writeHead(500).end(text)),
    )
  }

  // What a handler throws at once is caught like what it rejects with.
  #guarded(work: () => void | Promise<void>, tell: (text: string) => unknown): void {
    const working = (async () => work())()
    working.catch((error: unknown) => {
      if (this.errors.length < MAX_ERRORS) this.errors.push(error)
      tell(`the handler of origin ${this.id} threw: ${error instanceof Error ? error.stack : String(error)}`)
    })
  }
}
