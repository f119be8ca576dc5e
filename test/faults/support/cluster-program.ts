// Two gateways that share a port: SIGUSR2 replaces one after the other, and one that dies is replaced.
// node cluster-program.ts <upstream url> <port>
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'

const [upstream = '', port = ''] = process.argv.slice(2)

if (cluster.isPrimary) await primary()
else await worker()

async function primary(): Promise<void> {
  const leaving = new Set<Worker>()
  cluster.on('exit', (worker) => {
    if (!leaving.has(worker)) cluster.fork()
  })
  const started = () => once(cluster.fork(), 'listening')
  await Promise.all([started(), started()])
  process.on('SIGUSR2', async () => {
    for (const old of Object.values(cluster.workers ?? {})) {
      if (!old) continue
      await started()
      leaving.add(old)
      old.process.kill('SIGTERM')
      await once(old, 'exit')
    }
    console.log('restarted')
  })
  process.on('SIGHUP', () => Object.values(cluster.workers ?? {})[0]?.process.kill('SIGKILL'))
  console.log('ready')
}

async function worker(): Promise<void> {
  const forward = proxy(upstream)
  const server = await serve(forward, { port: Number(port), host: '127.0.0.1' })
  process.once('SIGTERM', async () => {
    await server.close({ graceMs: 5_000 })
    await forward.close()
    // Not `process.exit`: the primary may be handing over a connection just now, which would hang with nobody to answer it.
    cluster.worker?.disconnect()
  })
}
