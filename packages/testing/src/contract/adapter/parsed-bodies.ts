import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { bytesOf, type Context, type Reply, text } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { type ParserKind, played, type StartAdapter } from './scene.ts'

/** Bodies that a parser of the framework has read before the layer: they can be sent on all the same, or are refused. */
export function parsedBodyCases(start: StartAdapter, parsers: readonly ParserKind[]): Case[] {
  /** Answers with the body, its type and whatever is left of its framing. */
  const layer = async (ctx: Context): Promise<Reply> => {
    const { body, headers } = ctx.request
    const bytes = await bytesOf(body, 100_000)
    const left = ['content-encoding', 'transfer-encoding'].filter((name) => headers.has(name))
    const length = headers.get('content-length') ?? String(bytes.byteLength)
    return text(Buffer.from(bytes).toString(), {
      headers: {
        'x-left': left.join(),
        'x-type': headers.get('content-type') ?? '',
        'x-fits': String(length === String(bytes.byteLength)),
      },
    })
  }
  const sent = async (parses: ParserKind, type: string, body: string | Uint8Array, fields: readonly string[] = []) =>
    played(start, { layer, parses }, async (stage) => {
      const { headers, text: back, status } = await stage.ask('POST /', { fields: [`Content-Type: ${type}`, ...fields], body })
      assert.equal(status, 200, back)
      assert.deepEqual([headers.get('x-left'), headers.get('x-fits')], ['', 'true'], 'the framing is that of another body')
      return { back, type: headers.get('x-type') }
    })
  const cases: Record<ParserKind, Case[]> = {
    json: [
      {
        name: 'sends on JSON that a parser has read',
        async run() {
          const { back, type } = await sent('json', 'application/json', '{ "a": [1, "\u20ac"] }')
          assert.deepEqual([JSON.parse(back), type], [{ a: [1, '\u20ac'] }, 'application/json'])
        },
      },
      {
        name: 'sends on JSON that came in chunks and compressed, without its coding',
        async run() {
          const body = gzipSync('{"a":"gzip"}')
          const chunks = Buffer.concat([Buffer.from(`${body.byteLength.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
          const fields = ['Content-Encoding: gzip', 'Transfer-Encoding: chunked']
          assert.deepEqual(JSON.parse((await sent('json', 'application/json', chunks, fields)).back), { a: 'gzip' })
        },
      },
      {
        name: 'sends on a body that the parser was not for',
        async run() {
          assert.equal((await sent('json', 'text/csv', 'a;b')).back, 'a;b')
        },
      },
      {
        name: 'refuses a body that somebody has read and left nothing of that can be sent on',
        async run() {
          await played(start, { layer, parses: 'json' }, async (stage) => {
            const fields = ['Content-Type: multipart/form-data; boundary=x', 'X-Drain: 1']
            const { status, text: back } = await stage.ask('POST /', { fields, body: '--x--\r\n' })
            assert.deepEqual([status, JSON.parse(back).code], [500, 'BODY_PARSED'])
          })
        },
      },
    ],
    urlencoded: [
      {
        name: 'sends on form fields that a parser has read',
        async run() {
          const { back } = await sent('urlencoded', 'application/x-www-form-urlencoded', 'a=1&b=x+y%26z&a=2&n=')
          const fields = new URLSearchParams(back)
          assert.deepEqual([fields.getAll('a'), fields.get('b'), fields.get('n')], [['1', '2'], 'x y&z', ''])
        },
      },
    ],
    text: [
      {
        name: 'sends on text that a parser has read',
        async run() {
          const { back, type } = await sent('text', 'text/plain; charset=UTF-8', 'caf\u00e9')
          assert.deepEqual([back, type], ['caf\u00e9', 'text/plain; charset=utf-8'])
        },
      },
    ],
    raw: [
      {
        name: 'sends on bytes that a parser has read',
        async run() {
          assert.equal((await sent('raw', 'application/octet-stream', 'bytes')).back, 'bytes')
        },
      },
    ],
  }
  return parsers.flatMap((parser) => cases[parser])
}
