import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { toExpress } from '@gatelet/express'
import { type StandardSchema, validate } from '@gatelet/router'
import express from 'express'
import { expect, test } from 'vitest'

/** An object whose `a` is a number. */
const schema: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof (value as { a?: unknown })?.a === 'number' ? { value } : { issues: [{ message: 'no number', path: ['a'] }] },
  },
}

test('a body is validated behind its parser; in front of it, who reads it next would find nothing', async () => {
  const app = express()
  const layer = toExpress(validate({ body: schema }))
  app.post('/behind', express.json(), layer, (req, res) => void res.json(req.body))
  app.post('/before', layer, express.json(), (req, res) => void res.json(req.body))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ask = async (path: string, body: string) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
    const reply = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    return [reply.status, await reply.json()]
  }
  try {
    expect(await ask('/behind', '{"a":1}')).toEqual([200, { a: 1 }])
    expect(await ask('/behind', '{"a":"x"}')).toMatchObject([422, { errors: [{ in: 'body', path: '/a', message: 'no number' }] }])
    expect(await ask('/before', '{"a":1}')).toMatchObject([500, { code: 'CHANGE_REFUSED' }])
    expect(await ask('/before', '{"a":"x"}')).toMatchObject([422, { code: 'INVALID_BODY' }])
  } finally {
    server.close()
  }
})
