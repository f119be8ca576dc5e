import { Readable } from 'node:stream'
import { chain, type Handler, type Reply, text } from '@gatelet/core'
import { type Finding, type StandardSchema, validateReply } from '@gatelet/router'
import { call, exchange } from '@gatelet/testing'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'

const user = z.object({ name: z.string() })
const json = { 'content-type': 'application/json; charset=utf-8' }

interface Made {
  readonly handler: Handler
  readonly reports: (readonly Finding[])[]
}

function watching(answer: () => Reply, schema: StandardSchema = user, more = {}): Made {
  const reports: (readonly Finding[])[] = []
  const layer = validateReply({ body: schema, report: (findings) => void reports.push(findings), ...more })
  return { handler: chain().use(layer).to(answer), reports }
}

test.each(['{"name":7}', '{"name":"Ada"'])('%s is told of, and passes as it is', async (body) => {
  for (const each of [
    body,
    Buffer.from(body),
    Readable.from([body.slice(0, 4), body.slice(4)].map((part) => Buffer.from(part))),
  ]) {
    const { handler, reports } = watching(() => ({ ...text('', { headers: json }), body: each }))
    const answer = await call(handler)
    expect([answer.status, await answer.text()]).toEqual([200, body])
    expect(reports).toEqual([[{ in: 'body', path: body.endsWith('}') ? '/name' : '', message: expect.any(String) }]])
  }
})

test.each<[what: string, reply: () => Reply]>([
  ['as it should be', () => text('{"name":"Ada"}', { headers: json })],
  ['no JSON', () => text('x')],
  ['an error', () => text('{}', { status: 404, headers: json })],
  ['compressed', () => text('x', { headers: { ...json, 'content-encoding': 'gzip' } })],
  ['empty', () => text('', { headers: json })],
  ['without a body', () => ({ ...text('', { headers: json }), body: null })],
  ['too long', () => text(`{"name":7,"x":"${'x'.repeat(100)}"}`, { headers: json })],
])('nothing is told of a reply that is %s', async (_, reply) => {
  const { handler, reports } = watching(reply, user, { maxBodyBytes: 100 })
  const answer = await call(handler)
  expect(await answer.text()).toBe(reply().body ?? '')
  expect(reports).toEqual([])
})

test('no more mistakes are told of than maxErrors says', async () => {
  const { handler, reports } = watching(() => text('[1,2,3]', { headers: json }), z.array(z.string()), { maxErrors: 2 })
  await (await call(handler)).text()
  expect(reports.map((each) => each.length)).toEqual([2])
})

test('a schema may take its time', async () => {
  const slow = z.object({ name: z.string().refine(async () => false, 'never') })
  const { handler, reports } = watching(() => text('{"name":"a"}', { headers: json }), slow)
  await (await call(handler)).text()
  await vi.waitFor(() => expect(reports).toEqual([[{ in: 'body', path: '/name', message: 'never' }]]))
})

test.each<[what: string, report: () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('no log')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no log'))],
])('a report that %s is a warning, and the reply passes', async (_, report) => {
  const handler = chain()
    .use(validateReply({ body: user, report }))
    .to(() => text('{}', { headers: json }))
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  expect(await (await call(handler)).text()).toBe('{}')
  await vi.waitFor(() => expect(warned).toHaveBeenCalledWith(expect.stringContaining('no log'), 'GateletWarning'))
  warned.mockRestore()
})

test('a client that leaves ends the reply, of which nothing is told', async () => {
  const body = new Readable({ read() {} })
  const { handler, reports } = watching(() => ({ ...text('', { headers: json }), body }))
  const open = exchange()
  const answer = await open.ask(handler)
  body.push('{"name":')
  const read = answer.text()
  open.abort()
  await expect(read).rejects.toThrow()
  expect([body.destroyed, reports]).toEqual([true, []])
})
