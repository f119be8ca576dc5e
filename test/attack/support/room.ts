import type { Layer } from '@gatelet/core'
import type { ServeOptions } from '@gatelet/node'
import { type Forwarder, type ProxyOptions, proxy } from '@gatelet/proxy'
import { type RawReply, rawRequest } from '@gatelet/testing'
import { expect } from 'vitest'
import { type Front, node } from './fronts.ts'
import { type Answer, type RecordingUpstream, recordingUpstream } from './recording-upstream.ts'

/** A gateway between a raw client and an upstream that writes everything down. */
export interface Room extends AsyncDisposable {
  readonly port: number
  readonly upstream: RecordingUpstream
  /** Sends bytes on a connection of their own, and returns all that comes until the gateway closes it. */
  ask(bytes: string | Uint8Array): Promise<RawReply>
}

export interface RoomOptions {
  readonly front?: Front
  readonly proxy?: ProxyOptions
  readonly serve?: ServeOptions
  readonly answer?: Answer
  /** What stands before the proxy. */
  readonly layers?: (forward: Forwarder) => Layer
}

export async function room({ front = node, proxy: options, serve, answer, layers }: RoomOptions = {}): Promise<Room> {
  const upstream = await recordingUpstream(answer)
  const forward = proxy(upstream.url, options)
  const { port, close } = await front.start(layers?.(forward) ?? forward, serve)
  return {
    port,
    upstream,
    ask: (bytes) => rawRequest(port, bytes),
    async [Symbol.asyncDispose]() {
      await close()
      await forward.close()
      await upstream[Symbol.asyncDispose]()
      expect(upstream.faults).toEqual([])
    },
  }
}

/** What a client sends, what it must get, and what the upstream must see of it. */
export interface Attack {
  /** The row's sentence. */
  readonly name: string
  readonly sends: string | Uint8Array
  /** The statuses of the final responses. */
  readonly gets: readonly number[]
  /** The lines of the requests. */
  readonly sees: readonly string[]
}

/** Plays an attack. The connection must be closed by the gateway in the end. */
export async function played(
  attack: Attack,
  options: RoomOptions = {},
): Promise<{ reply: RawReply; upstream: RecordingUpstream }> {
  await using scene = await room(options)
  const reply = await scene.ask(attack.sends)
  expect({ gets: statuses(reply), sees: scene.upstream.lines }).toEqual({ gets: attack.gets, sees: attack.sees })
  expect(reply.closed).not.toBe('open')
  return { reply, upstream: scene.upstream }
}

export const statuses = ({ responses }: RawReply): number[] =>
  responses.map(({ status }) => status).filter((status) => status >= 200)

/** The bytes of a request whose connection ends with it. */
export function message(line: string, fields: readonly string[] = [], body = ''): string {
  const host = fields.some((field) => /^host:/i.test(field)) ? [] : ['Host: a.test']
  const close = fields.some((field) => /^connection:/i.test(field)) ? [] : ['Connection: close']
  const version = / HTTP\/\d/.test(line) ? line : `${line} HTTP/1.1`
  return `${[version, ...host, ...close, ...fields].join('\r\n')}\r\n\r\n${body}`
}
