import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { GatewayError, HeaderList, type Reply } from '@gatelet/core'
import { standstill } from '../../standstill.ts'
import type { Case } from '../suite.ts'
import { blocks, message, Pushed, played, receiveBlocks, replying, type Stage, type StartAdapter } from './scene.ts'

/** What becomes of bodies that come bit by bit. */
export function streamCases(start: StartAdapter): Case[] {
  /** A reply with a body that the case fills. */
  const streamed = async (act: (body: Pushed, stage: Stage) => Promise<void>, headers: Record<string, string> = {}) => {
    const body = new Pushed()
    await played(start, { layer: () => replying(body, 200, headers) }, (stage) => act(body, stage))
  }
  return [
    {
      name: 'sends a stream as it comes',
      run: () =>
        streamed(async (body, stage) => {
          await using client = await stage.connect()
          body.say('first')
          client.write(message('GET /'))
          await client.read('first')
          body.say('second')
          await client.read('second')
          body.end()
          await client.read('0\r\n\r\n')
          assert.deepEqual(await stage.ended(), ['finished 200'])
        }),
    },
    {
      name: 'sends the head of a stream that is silent for now',
      run: () =>
        streamed(
          async (body, stage) => {
            await using client = await stage.connect()
            client.write(message('GET /'))
            assert.match(await client.read('\r\n\r\n'), /^HTTP\/1.1 200 OK\r\n/)
            body.say('data: 1\n\n')
            await client.read('data: 1\n\n')
            body.end()
          },
          { 'content-type': 'text/event-stream' },
        ),
    },
    {
      name: 'sends a stream whose length is known with that length',
      run: () =>
        streamed(async (body, stage) => {
          body.length = 10
          body.say('01234')
          await using client = await stage.connect()
          client.write(message('GET /'))
          await client.read('01234')
          body.say('56789')
          body.end()
          await client.read('56789')
          const head = client.received.toString('latin1').toLowerCase()
          assert.ok(head.includes('content-length: 10\r\n') && !head.includes('transfer-encoding'), head)
        }),
    },
    {
      name: 'sends what a stream has whole as a whole',
      run: () =>
        streamed(async (body, stage) => {
          body.say('all ')
          body.say('of it')
          body.end()
          const { headers, text } = await stage.ask('GET /')
          assert.deepEqual([text, headers.get('content-length')], ['all of it', '9'])
        }),
    },
    {
      name: 'sends a stream of Node',
      async run() {
        const layer = () => replying(Readable.from([Buffer.from('a'), 'b\u00e9', Buffer.from('c')]))
        await played(start, { layer }, async (stage) => assert.equal((await stage.ask('GET /')).text, 'ab\u00e9c'))
      },
    },
    {
      name: 'sends trailers behind a stream',
      run: () =>
        streamed(
          async (body, stage) => {
            await using client = await stage.connect()
            client.write(message('GET /'))
            await client.read('\r\n\r\n')
            body.say('data')
            body.end(new HeaderList({ 'x-sum': '42', 'content-length': '9' }))
            await client.read('x-sum: 42\r\n\r\n')
            assert.ok(!client.received.toString('latin1').includes('content-length: 9'), 'a trailer that frames was sent')
          },
          { trailer: 'x-sum' },
        ),
    },
    {
      name: 'sends many megabytes unchanged, at the pace of the client',
      async run() {
        let sent = 0
        const layer = () => replying(Readable.from(blocks(BLOCKS, () => sent++)))
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET / HTTP/1.0'))
          await client.read('\r\n\r\n')
          client.pause()
          await standstill(() => sent)
          assert.ok(sent < BLOCKS, 'all of it was made though the client takes nothing')
          client.resume()
          await receiveBlocks(client, BLOCKS)
        })
      },
    },
    ...failureCases(start, streamed),
  ]
}

// More than the sockets of both sides hold.
const BLOCKS = 300

function failureCases(
  start: StartAdapter,
  streamed: (act: (body: Pushed, stage: Stage) => Promise<void>, headers?: Record<string, string>) => Promise<void>,
): Case[] {
  /** What the client sees of a stream that ends in another way than it should. */
  const brokenOff = (name: string, finish: (body: Pushed) => void, headers: Record<string, string> = {}): Case => ({
    name,
    run: () =>
      streamed(async (body, stage) => {
        await using client = await stage.connect()
        body.say('begun')
        client.write(message('GET /'))
        await client.read('begun')
        finish(body)
        await client.left()
        assert.deepEqual(await stage.ended(), ['failed 200'])
        const rest = client.received.toString('latin1')
        assert.ok(!rest.endsWith('0\r\n\r\n'), 'the client was told that this was all')
      }, headers),
  })
  return [
    {
      name: 'makes a problem of a stream that fails before its first byte',
      async run() {
        const layer = (): Reply => {
          const body = new Pushed()
          body.fail(new GatewayError('UPSTREAM_RESET'))
          return replying(body, 200, { 'x-kept': 'no', 'set-cookie': 'a=1' })
        }
        await played(start, { layer }, async (stage) => {
          const { status, headers, text } = await stage.ask('GET /')
          assert.deepEqual([status, JSON.parse(text).code], [502, 'UPSTREAM_RESET'])
          assert.deepEqual([headers.get('x-kept'), headers.get('set-cookie')], [undefined, undefined])
        })
      },
    },
    {
      name: 'makes a problem of a body that was used already',
      async run() {
        const body = new Pushed()
        body.cancel()
        await played(start, { layer: () => replying(body) }, async (stage) => {
          const { status, text } = await stage.ask('GET /')
          assert.deepEqual([status, JSON.parse(text).code], [500, 'BODY_USED'])
        })
      },
    },
    brokenOff('breaks off a stream that fails in the middle', (body) => body.fail(new Error('lost'))),
    brokenOff('breaks off a stream that is shorter than it said', (body) => body.end(), { 'content-length': '100' }),
    brokenOff(
      'breaks off a stream that is longer than it said',
      (body) => {
        body.say('beyond')
        body.end()
      },
      { 'content-length': '8' },
    ),
    {
      name: 'sends no more than a stream said that it has',
      run: () =>
        streamed(
          async (body, stage) => {
            await using client = await stage.connect()
            body.say('begun')
            client.write(message('GET /'))
            await client.read('begun')
            body.say('SMUGGLED')
            await client.left()
            assert.ok(!client.received.toString('latin1').includes('SMUGGLED'), 'what was beyond the length was sent')
          },
          { 'content-length': '5' },
        ),
    },
  ]
}
