import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { type EventMap, HeaderList, type Layer, PushSource, type Reply, subscribe } from '@gatelet/core'
import { type RawClient, rawClient, rawRequest } from '../../raw-client.ts'
import { parseResponses, type RawResponse } from '../../raw-response.ts'
import { Watch } from '../../watch.ts'

/** What a case wants to be started: a server on 127.0.0.1 with a layer, and what stands behind that. */
export interface AdapterScene {
  readonly layer: Layer
  /** What answers when the layer asks on, by the framework's own means. Default: whatever the framework does with nobody there. */
  readonly behind?: Behind
  /** The path that the layer is placed at, seeing whole paths. What lies beside is answered 404 by somebody else. Default: all. */
  readonly mount?: string
  /** A body parser of the framework stands in front of the layer. */
  readonly parses?: ParserKind
  /** Handshakes for WebSockets are to reach the layer too. */
  readonly upgrades?: boolean
}

/** The usual body parsers. */
export type ParserKind = 'json' | 'urlencoded' | 'text' | 'raw'

/** A handler of the framework's own kind. */
export interface Behind {
  /** Default: 200. */
  readonly status?: number
  /** One pair for each field line. Default: none. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** A whole body, or what makes a stream for each request; it is sent by `pipeline`, which destroys it when the client leaves. */
  readonly body?: string | (() => Readable)
  /** Thrown before anything is written. */
  readonly throws?: Error
  /** Told of each request when it comes. */
  readonly seen?: (request: SeenBehind) => void
  /** What it waits for before it answers. */
  readonly when?: Promise<void>
}

/** A request as a handler of the framework sees it. */
export interface SeenBehind {
  readonly method: string
  /** Path and query, as the framework's router has it. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** A server that a case can talk to. */
export interface StartedAdapter {
  readonly port: number
  /** Stops listening and destroys what is still connected. */
  close(): Promise<void>
}

/** Starts an adapter with a scene. */
export type StartAdapter = (scene: AdapterScene) => Promise<StartedAdapter>

/** Plays a scene: starts it, and closes it whatever happens. */
export async function played<T>(start: StartAdapter, scene: AdapterScene, act: (stage: Stage) => Promise<T>): Promise<T> {
  const finished = new Finished()
  const adapter = await start(scene)
  try {
    return await act(new Stage(adapter.port, finished))
  } finally {
    await adapter.close()
    finished.stop()
  }
}

type End = EventMap['request:finished']

class Finished {
  readonly list: End[] = []
  readonly watch: Watch = new Watch()
  readonly stop: () => void = subscribe('request:finished', (end) => {
    this.list.push(end)
    this.watch.changed()
  })
}

/** A started scene, from the client's side. */
export class Stage {
  readonly port: number
  readonly #finished: Finished

  constructor(port: number, finished: Finished) {
    this.port = port
    this.#finished = finished
  }

  /** Asks on a connection of its own. @param line method and target. @returns the one final response */
  async ask(line: string, init: AskInit = {}): Promise<RawResponse> {
    const reply = await rawRequest(this.port, message(line, init), { responses: 1, silenceMs: 5_000 })
    const response = reply.responses.find(({ status }) => status >= 200)
    if (!response) throw new Error(`no response came for ${line}; instead: ${JSON.stringify(reply.text.slice(0, 500))}`)
    return response
  }

  /** Opens a connection; `await using` leaves it. */
  connect(): Promise<RawClient> {
    return rawClient(this.port)
  }

  /** Waits for so many exchanges to end. @returns how they did, and with which status: `finished 200` */
  async ended(count = 1): Promise<string[]> {
    const { list, watch } = this.#finished
    const told = () => list.map(({ summary }) => `${summary.outcome} ${summary.status}`)
    await watch.until(
      () => list.length >= count,
      5_000,
      () => `${list.length} of ${count} exchanges have ended: ${told().join(', ')}`,
    )
    return told()
  }
}

/** What is sent besides the request line. */
export interface AskInit {
  /** Field lines, each without its CR LF. */
  readonly fields?: readonly string[]
  /** With its length, unless a field says otherwise. */
  readonly body?: string | Uint8Array
}

/** The bytes of a request. */
export function message(line: string, { fields = [], body }: AskInit = {}): Buffer {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body as string)
  const isFramed = fields.some((field) => /^(content-length|transfer-encoding):/i.test(field))
  const framing = body === undefined || isFramed ? [] : [`Content-Length: ${bytes.byteLength}`]
  const version = /HTTP\/1\.\d$/.test(line) ? line : `${line} HTTP/1.1`
  const host = fields.some((field) => /^host:/i.test(field)) ? [] : ['Host: a.test']
  return Buffer.concat([Buffer.from([version, ...host, ...fields, ...framing, '', ''].join('\r\n'), 'latin1'), bytes])
}

/** A reply with these headers. */
export function replying(body: Reply['body'], status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: new HeaderList(headers), body }
}

/** A body that a case fills by hand; it notes whether its producer was told to pause or that nobody wants the rest. */
export class Pushed extends PushSource {
  readonly watch: Watch
  readonly told: { pauses: number; cancelled: boolean }

  constructor() {
    const watch = new Watch()
    const told = { pauses: 0, cancelled: false }
    super({
      pause() {
        told.pauses++
        watch.changed()
      },
      resume: () => watch.changed(),
      cancel() {
        told.cancelled = true
        watch.changed()
      },
    })
    this.watch = watch
    this.told = told
  }

  say(text: string): boolean {
    return this.push(Buffer.from(text))
  }

  /** Waits until nobody wants it any more. */
  dropped(): Promise<void> {
    return this.watch.until(
      () => this.told.cancelled,
      5_000,
      () => 'the body was not cancelled',
    )
  }
}

/** Blocks of 64 KiB that tell their places, so that one too many or too few shows. @param made told of each when it is taken */
export function* blocks(count: number, made: () => void): Iterable<Buffer> {
  for (let at = 0; at < count; at++) {
    const block = Buffer.alloc(65_536, at)
    block.writeUInt32BE(at)
    made()
    yield block
  }
}

/** Reads a reply that ends with its connection, and proves that these blocks are in it. */
export async function receiveBlocks(client: RawClient, count: number): Promise<void> {
  await client.left(30_000)
  const [response] = parseResponses(client.received, { isClosed: true })
  assert.equal(response?.body.byteLength, count * 65_536)
  for (let at = 0; at < count; at++) assert.equal(response.body.readUInt32BE(at * 65_536), at, `block ${at} is another one`)
}

/** Something that happens once, which cases wait for. */
export class Moment<T = void> {
  readonly promise: Promise<T>
  happen: (value: T) => void = () => {}

  constructor() {
    this.promise = new Promise((resolve) => {
      this.happen = resolve
    })
  }
}
