// One machine, several processes, no Redis: the primary counts for its workers.
import cluster from 'node:cluster'
import { chain, serve, text } from 'gatelet'
import { clusterRateStore, countForWorkers, rateLimit } from 'gatelet/rate-limiter'

const { PORT = '8080', WORKERS = '2' } = process.env

if (cluster.isPrimary) {
  countForWorkers()
  for (let started = 0; started < Number(WORKERS); started++) cluster.fork()
  // One that dies is replaced; what it had in flight no longer counts.
  cluster.on('exit', ({ exitedAfterDisconnect }) => exitedAfterDisconnect || cluster.fork())
  process.once('SIGTERM', () => cluster.disconnect())
} else {
  const limit = rateLimit({
    policies: [
      { name: 'minute', limit: 10, per: '1m' },
      { name: 'at-once', algorithm: 'concurrency', limit: 2 },
    ],
    store: clusterRateStore(),
  })
  const handler = chain()
    .use(limit)
    .to(() => text(`worker ${cluster.worker?.id}\n`))
  const server = await serve(handler, { port: Number(PORT), host: '127.0.0.1' })
  console.log(`worker ${cluster.worker?.id} is listening on ${server.url}: try it`)
  cluster.worker?.once('disconnect', () => void server.close())
}
