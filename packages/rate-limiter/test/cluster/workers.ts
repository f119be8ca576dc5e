// Workers that share counts: run by cluster.test.ts, which reads what they print and tells them what to do.
import cluster from 'node:cluster'
import { setInterval } from 'node:timers/promises'
import { GatewayError, subscribe } from '@gatelet/core'
import { clusterRateStore, countForWorkers, type RateRule } from '@gatelet/rate-limiter'

const burst = (of: number): RateRule => ({ algorithm: 'gcra', name: 'burst', limit: 1, windowMs: 3_600_000, burst: of })
const slots: RateRule = { algorithm: 'concurrency', name: 'slots', limit: 2 }
const deadline = Number(process.env['TIMEOUT_MS'])
const store = clusterRateStore({ timeoutMs: deadline, breaker: { failures: 2, openMs: 50 } })
const id = cluster.worker?.id ?? 0

async function ask(rule: RateRule, lease?: string): Promise<string> {
  const askedAt = performance.now()
  try {
    const [verdict] = await store.take([{ rule, key: 'ada', cost: 1, lease }])
    return verdict?.allowed ? 'taken' : 'refused'
  } catch (error) {
    return error instanceof GatewayError ? error.code : 'another error'
  } finally {
    if (performance.now() - askedAt > 10 * deadline) console.log('too late')
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for await (const _ of setInterval(5)) if (await isSo()) return
}

const scenes: Record<string, () => Promise<void>> = {
  async hammer() {
    let taken = 0
    const one = async () => {
      for (let asked = 0; asked < 50; asked++) if ((await ask(burst(700))) === 'taken') taken++
    }
    await Promise.all(Array.from({ length: 20 }, one))
    console.log(`${id} took ${taken}`)
  },
  async slots() {
    // One holds all and dies; the other has them then, and what it gives back is free.
    if (id === 1) {
      console.log(await ask(slots, 'a'), await ask(slots, 'b'), await ask(slots, 'c'))
      process.send?.('held')
    } else {
      const held = new Promise((resolve) => process.once('message', resolve))
      process.send?.('waiting')
      await held
      console.log('the other', await ask(slots, 'd'))
      process.send?.('kill the first')
      await until(async () => (await ask(slots, 'd')) === 'taken')
      console.log(await ask(slots, 'e'), await ask(slots, 'f'))
      await store.give([{ rule: slots, key: 'ada', cost: 1, lease: 'd' }])
      console.log(await ask(slots, 'f'))
    }
  },
  async away() {
    subscribe('store:changed', ({ store, isAvailable }) => console.log(store, isAvailable ? 'is back' : 'is away'))
    console.log(await ask(burst(1)), await ask(burst(1)))
    process.send?.('stop')
    await until(async () => (await ask(burst(1))) === 'STORE_UNAVAILABLE')
    process.send?.('start')
    await until(async () => (await ask(burst(1))) !== 'STORE_UNAVAILABLE')
    // A primary that has started again knows nothing of before.
    console.log(await ask(burst(2)), await ask(burst(2)))
  },
  async late() {
    process.send?.('block')
    console.log(await ask(slots, 'late'))
    await until(async () => (await ask(slots, 'a')) === 'taken')
    await until(async () => (await ask(slots, 'b')) === 'taken')
    console.log('no slot is lost')
  },
  async orphan() {
    console.log(`worker ${process.pid} has ${await ask(burst(1))}`)
    await new Promise((resolve) => setTimeout(resolve, 60_000))
  },
}

if (cluster.isPrimary) {
  let stop = countForWorkers()
  const [first] = Array.from({ length: Number(process.env['WORKERS']) }, () => cluster.fork())
  const met = new Set<unknown>()
  cluster.on('message', (_, message) => {
    if (message === 'held' || message === 'waiting') met.add(message)
    if (met.size === 2 && (message === 'held' || message === 'waiting'))
      for (const worker of Object.values(cluster.workers ?? {})) if (worker !== first) worker?.send('go')
    if (message === 'kill the first') first?.process.kill('SIGKILL')
    if (message === 'stop') stop()
    if (message === 'start') stop = countForWorkers()
    if (message === 'block') for (const end = performance.now() + 3 * deadline; performance.now() < end; );
  })
} else void scenes[process.env['SCENE'] ?? '']?.().then(() => (id === 1 && process.env['SCENE'] === 'slots') || process.exit())
