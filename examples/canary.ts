// A release that goes out to few first: testers ask for it, its share grows by a call of an operator, and it is taken back by itself
// when it fails too often. What real requests do to a version that nobody is to see yet, a mirror finds out.
import { chain, createBalancer, createRouter, json, proxy, serve } from 'gatelet'
import { subscribe } from 'gatelet/core'
import { mirror } from 'gatelet/proxy'
import { split, validate } from 'gatelet/router'
import { z } from 'zod'

const { STABLE = 'http://127.0.0.1:4001 http://127.0.0.1:4002', CANARY = 'http://127.0.0.1:4003' } = process.env
const { NEXT = 'http://127.0.0.1:4004', PORT = '8080', ADMIN_PORT = '8081' } = process.env

const stable = createBalancer({ endpoints: STABLE.split(' ') })
const canary = createBalancer({ endpoints: CANARY.split(' ') })
const [toStable, toCanary, toNext] = [proxy(stable), proxy(canary), proxy(NEXT)]

const release = split(
  [
    { name: 'stable', weight: 95, to: toStable },
    { name: 'canary', weight: 5, to: toCanary },
  ],
  {
    name: 'shop',
    when: [{ header: 'x-release', value: 'canary', to: 'canary' }],
    stickyBy: { cookie: 'release', maxAgeS: 86_400 },
  },
)

// Of the last hundred answers of the canary, more than five failed: nobody is sent there any more, but testers.
const answers: boolean[] = []
subscribe('request:split', ({ context, variant }) => {
  if (variant !== 'canary') return
  context.onFinish(({ status }) => {
    answers.push(status >= 500)
    if (answers.length > 100) answers.shift()
    if (release.weights['canary'] === 0 || answers.filter(Boolean).length <= 5) return
    release.setWeights({ stable: 100, canary: 0 })
    console.log('the canary failed too often: everybody is back at stable')
  })
})

// Half of what is only read is asked of the next version, too; what it answers is dropped.
const rehearsed = chain().use(mirror(toNext, { share: 0.5, maxBodyBytes: 0 }))
const router = createRouter().get('/shop/*rest', rehearsed.layer(), release).mount('/shop', release)
const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })

// For operators, on a port that clients do not reach.
const weight = z.number().min(0).max(1_000_000)
const operators = createRouter()
  .get('/weights', () => json(release.weights))
  .put('/weights', validate({ body: z.strictObject({ stable: weight, canary: weight }) }), (ctx) => {
    answers.length = 0
    release.setWeights(ctx.state.valid.body)
    return json(release.weights)
  })
const admin = await serve(operators, { port: Number(ADMIN_PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i -H 'x-release: canary' ${server.url}/shop/tea`)
console.log(`operators ask ${admin.url}/weights`)

process.once('SIGTERM', async () => {
  await Promise.all([server.close({ graceMs: 10_000 }), admin.close()])
  await Promise.all([toStable.close(), toCanary.close(), toNext.close()])
  await Promise.all([stable.close(), canary.close()])
})
