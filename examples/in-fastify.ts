// Fastify, with servers behind a balancer under one of its paths: a plugin.
import Fastify, { type FastifyPluginCallback } from 'fastify'
import { createBalancer, type Layer, proxy } from 'gatelet'
import { attach } from 'gatelet/node'

const { USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env

/** Gives all that is under a path, WebSockets too, to a handler, a layer or a chain. Fastify keeps the rest. */
const gatelet: FastifyPluginCallback<{ layer: Layer; mount: string }> = (app, { layer, mount }, done) => {
  const detach = attach(app.server, layer, { mount })
  // Requests in flight go on to their end, for which Fastify waits.
  app.addHook('preClose', (closed) => {
    detach()
    closed()
  })
  done()
}

const balancer = createBalancer({ endpoints: USERS.split(' ') })
const users = proxy(balancer)

const app = Fastify()
app.register(gatelet, { layer: users, mount: '/users' })
app.get('/livez', () => ({ ok: true }))
app.addHook('onClose', async () => {
  await users.close()
  await balancer.close()
})

const url = await app.listen({ port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${url}: try /users/7 and /livez`)
process.once('SIGTERM', () => app.close())
