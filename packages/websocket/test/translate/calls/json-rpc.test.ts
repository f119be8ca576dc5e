import type { Reply } from '@gatelet/core'
import { exchange } from '@gatelet/testing'
import { type JsonRpcOptions, jsonRpc, type OutgoingCall } from '@gatelet/websocket'
import { describe, expect, test } from 'vitest'

const encode = (body: string | Uint8Array, options?: JsonRpcOptions, method = 'POST') =>
  jsonRpc(options).encode({ body: Buffer.from(body), context: exchange({ method, url: '/' }).ctx }, 'e-1') as OutgoingCall & Reply

const shown = ({ status, body }: Reply) => [status, body === null ? null : JSON.parse(String(body))]

const error = (code: number, message: string, id: unknown = null) => ({ jsonrpc: '2.0', error: { code, message }, id })
const invalid = error(-32_600, 'Invalid Request')
const call = (id: unknown, method = 'add') => ({ jsonrpc: '2.0', method, params: [1, 2], id })

describe('a single call', () => {
  test.each([7, 'seven', '7', null, 1.5])('with the id %j has our id on its way, and gets its own back', (id) => {
    const { frame, answer } = encode(JSON.stringify(call(id)))
    expect(JSON.parse(String(frame))).toEqual(call('e-1'))
    expect(shown(answer?.('{"jsonrpc":"2.0","result":3,"id":"e-1"}') as Reply)).toEqual([200, { jsonrpc: '2.0', result: 3, id }])
  })

  test('goes on byte for byte but for its id', () => {
    const text = '{"jsonrpc":"2.0", "id" : 12345678901234567890 ,"method":"m","params":{"n":1.0,"n":1e400,"id":4,"s":"\\u00e9"}}'
    const { frame, answer } = encode(`\n${text} `)
    expect(frame).toBe(text.replace('12345678901234567890', '"e-1"'))
    expect(answer?.('{"id":"e-1", "result":1.0}').body).toBe('{"id":12345678901234567890, "result":1.0}')
  })

  test.each([
    [-32_700, 500],
    [-32_600, 400],
    [-32_601, 404],
    [-32_602, 400],
    [-32_603, 500],
    [-32_000, 500],
    [-32_099, 500],
    [-32_100, 200],
    [1, 200],
  ])('whose error is %d gets the status %d', (code, status) => {
    const text = JSON.stringify({ jsonrpc: '2.0', error: { code, message: 'x' }, id: 'e-1' })
    expect(encode(JSON.stringify(call(1))).answer?.(text).status).toBe(status)
    expect(encode(JSON.stringify(call(1)), { statusOf: () => 299 }).answer?.(text).status).toBe(299)
  })

  test('is answered by bytes too', () => {
    expect(shown(encode(JSON.stringify(call(1))).answer?.(Buffer.from('{"result":3,"id":"e-1"}')) as Reply)).toEqual([
      200,
      { result: 3, id: 1 },
    ])
  })

  test('may be taken back', () => {
    const cancel = (id: string) => `cancel ${id}`
    expect(encode(JSON.stringify(call(1)), { cancel }).cancel).toBe('cancel e-1')
    expect(encode(JSON.stringify(call(1))).cancel).toBeUndefined()
  })

  test('without id is a notification: 202 when it is sent', () => {
    const text = '{"jsonrpc":"2.0","method":"log"}'
    const { frame, sent } = encode(text)
    expect([frame, shown(sent?.() as Reply)]).toEqual([text, [202, null]])
  })
})

describe('what is no call', () => {
  test.each([
    ['no JSON', '{"jsonrpc":"2.0"', -32_700],
    ['nothing', '', -32_700],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), -32_700],
    ['a number', '1', -32_600],
    ['null', 'null', -32_600],
    ['an empty batch', '[]', -32_600],
    ['another version', '{"jsonrpc":"1.0","method":"m","id":1}', -32_600],
    ['no version', '{"method":"m","id":1}', -32_600],
    ['no method', '{"jsonrpc":"2.0","id":1}', -32_600],
    ['params of a text', '{"jsonrpc":"2.0","method":"m","params":"x","id":1}', -32_600],
    ['an id that is an object', '{"jsonrpc":"2.0","method":"m","id":{}}', -32_600],
    ['two ids, of which each side may read another', '{"jsonrpc":"2.0","method":"m","id":1,"\\u0069d":2}', -32_600],
  ])('%s is refused here', (_, body, code) => {
    const [status, value] = shown(encode(body))
    expect([status, value]).toEqual([400, expect.objectContaining({ error: expect.objectContaining({ code }), id: null })])
  })

  test('another method than POST is not allowed', () => {
    expect(() => encode('', {}, 'GET')).toThrow(/method is not allowed/)
  })

  test('a batch is bounded', () => {
    const two = JSON.stringify([call(1), call(2)])
    expect(encode(two, { maxBatch: 1 }).status).toBe(400)
    expect(encode(two, { maxBatch: 2 }).frame).toBeDefined()
  })
})

describe('a batch', () => {
  const asked = () => encode(JSON.stringify([call(1), 1, { jsonrpc: '2.0', method: 'log' }, call('b', 'sub')]))

  test('goes on without what is no call, each call under an id of its own', () => {
    expect(JSON.parse(String(asked().frame))).toEqual([call('e-1:0'), { jsonrpc: '2.0', method: 'log' }, call('e-1:3', 'sub')])
  })

  test('gets all its answers, in the order in which they came', () => {
    const answer = JSON.stringify([
      { jsonrpc: '2.0', result: 'b', id: 'e-1:3' },
      { jsonrpc: '2.0', error: { code: -32_601, message: 'no' }, id: 'e-1:0' },
    ])
    expect(shown(asked().answer?.(answer) as Reply)).toEqual([
      200,
      [{ jsonrpc: '2.0', result: 'b', id: 'b' }, error(-32_601, 'no', 1), invalid],
    ])
  })

  test('hears of answers that are missing, once of those that come twice, and not of others', () => {
    const one = { jsonrpc: '2.0', result: 1, id: 'e-1:0' }
    const answer = JSON.stringify([one, one, { jsonrpc: '2.0', result: 1, id: 'e-2:3' }, 5])
    expect(shown(asked().answer?.(answer) as Reply)).toEqual([
      200,
      [{ ...one, id: 1 }, error(-32_603, 'No answer came', 'b'), invalid],
    ])
  })

  test('of notifications gets 202', () => {
    const { frame, sent } = encode('[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b"}]')
    expect(JSON.parse(String(frame)).length).toBe(2)
    expect(shown(sent?.() as Reply)).toEqual([202, null])
  })

  test('of notifications and what is none hears of the latter', () => {
    expect(shown(encode('[{"jsonrpc":"2.0","method":"a"},7]').sent?.() as Reply)).toEqual([200, [invalid]])
  })

  test('of nothing that is a call is refused here', () => {
    expect(shown(encode('[1,2]'))).toEqual([400, [invalid, invalid]])
  })
})

describe('a message from the server', () => {
  const { match } = jsonRpc()

  test.each<[string, unknown, string | undefined]>([
    ['a result', { id: 'e-1', result: null }, 'e-1'],
    ['an error', { id: 'e-1', error: {} }, 'e-1'],
    ['a batch', [{ id: 'e-1:4', result: 1 }], 'e-1'],
    [
      'a batch that begins with an error of nobody',
      [
        { id: null, error: {} },
        { id: 'e-1:4', result: 1 },
      ],
      'e-1',
    ],
    ['a notification', { method: 'tick' }, undefined],
    ['a call of the server’s', { method: 'ask', id: 'e-1' }, undefined],
    ['an error of nobody', { id: null, error: { code: -32_700 } }, undefined],
    ['a number for an id', { id: 1, result: 1 }, undefined],
    ['a text', 'x', undefined],
  ])('%s', (_, message, id) => {
    expect(match(JSON.stringify(message))).toBe(id)
  })

  test('what is no JSON is thrown', () => {
    expect(() => match('tick')).toThrow(SyntaxError)
  })
})
