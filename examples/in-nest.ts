// NestJS, on its Express platform: servers behind a balancer under a path, and a limiter in front of its controllers.
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { attach, chain, createBalancer, proxy } from 'gatelet'
import { toExpress } from 'gatelet/express'
import { limit } from './limit.ts'
import { OrdersModule } from './nest-orders.ts'

const { USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env

const balancer = createBalancer({ endpoints: USERS.split(' ') })
const users = proxy(balancer)

const app = await NestFactory.create<NestExpressApplication>(OrdersModule, { logger: ['error'] })
// In front of Nest's body parsers, which it puts there when it starts to listen: bodies stream through.
app.use('/users', toExpress(users))
app.use(toExpress(chain().use(limit(100))))
attach(app.getHttpServer(), users, { mount: '/live' })

await app.listen(Number(PORT), '127.0.0.1')
console.log(`listening on ${await app.getUrl()}: try /users/7 and /orders/42`)
process.once('SIGTERM', async () => {
  await app.close()
  await users.close()
  await balancer.close()
})
