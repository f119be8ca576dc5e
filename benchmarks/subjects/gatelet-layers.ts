import { createBalancer } from '@gatelet/balancer'
import { chain, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { authenticated, counted, limited, numbered, passed } from './five-layers.ts'
import { origins, port } from './start.ts'

const upstream = proxy(createBalancer({ endpoints: origins }))
const handler = chain()
  .use(counted)
  .use(numbered)
  .use(limited)
  .use(authenticated)
  .use(passed)
  .to(
    createRouter((router) => {
      router.get('/livez', () => text('ok'))
      router.get('/users', upstream).post('/users', upstream).get('/users/:id', upstream).delete('/users/:id', upstream)
      router.get('/users/:id/orders', upstream).get('/orders/:id', upstream).put('/orders/:id', upstream)
      router.get('/small/:id', upstream).post('/upload/:id', upstream).get('/large/:id', upstream)
      router.get('/files/*rest', upstream)
    }),
  )

await serve(handler, { port, host: '127.0.0.1' })
