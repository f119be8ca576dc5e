import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { auth, webhook } from '@gatelet/auth'
import { chain } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Express, expresses } from '../../packages/express/test/expresses.ts'

const secret = 'a secret of the service'

async function scene(express: Express, before: readonly ReturnType<Express['raw']>[]) {
  const app = express()
  app.set('env', 'test')
  const hooks = toExpress(chain().use(auth(webhook({ scheme: 'github', secrets: secret }))))
  for (const parser of before) app.use(parser)
  app.post('/hooks', hooks, (req, res) => {
    const bytes: unknown = req.body
    const hash = bytes instanceof Uint8Array ? createHash('sha256').update(bytes).digest('hex') : 'none'
    res.json({ who: hooks.state(req).principal.subject, hash })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return async (body: string, signed = body) => {
    const signature = `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`
    const headers = { 'x-hub-signature-256': signature, 'content-type': 'application/json' }
    const { port } = server.address() as AddressInfo
    return fetch(`http://127.0.0.1:${port}/hooks`, { method: 'POST', headers, body })
  }
}

// Spelled as no JSON.stringify would.
const body = '{ "zen":"Ö",\n "n": 1.0 }'

describe.each(expresses)('in %s, a webhook', (_, express) => {
  test('whose bytes the framework has read is verified, and the handler has them', async () => {
    const send = await scene(express, [express.raw({ type: '*/*' })])
    const response = await send(body)
    const hash = createHash('sha256').update(body).digest('hex')
    expect([response.status, await response.json()]).toEqual([200, { who: 'github', hash }])
    expect((await send(body, '{}')).status).toBe(401)
  })

  test('of which only the meaning was kept is refused: what is written anew is not what was signed', async () => {
    const send = await scene(express, [express.json()])
    expect((await send(body)).status).toBe(401)
  })

  test('that the layer has to read itself does not come to a handler without its body', async () => {
    const send = await scene(express, [])
    const response = await send(body)
    expect([response.status, await response.text()]).toEqual([500, expect.stringContaining('CHANGE_REFUSED')])
  })
})
