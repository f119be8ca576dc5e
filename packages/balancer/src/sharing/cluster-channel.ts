import cluster from 'node:cluster'
import type { ShareChannel } from './channel.ts'

/** Marks our messages among those of the application. */
interface Envelope {
  readonly gatelet: 'share'
  readonly message: unknown
}

/**
 * The channel of a worker of `node:cluster`: to its primary, where `relayBetweenWorkers` passes everything on. Elsewhere it
 * leads nowhere.
 */
export function clusterChannel(): ShareChannel {
  return {
    send(message) {
      const envelope: Envelope = { gatelet: 'share', message }
      // With a call-back, so that a primary that has just gone is no 'error' of the process.
      if (cluster.isWorker && process.connected) process.send?.(envelope, undefined, undefined, () => {})
    },
    onMessage(listener) {
      if (!cluster.isWorker) return () => {}
      const own = (message: unknown) => listener(message)
      if (listeners.size === 0) process.on('message', hear)
      listeners.add(own)
      return () => {
        if (listeners.delete(own) && listeners.size === 0) process.off('message', hear)
      }
    },
  }
}

// One listener of the process for all balancers: Node takes more than ten for a leak.
const listeners = new Set<(message: unknown) => void>()

function hear(message: unknown): void {
  if (isEnvelope(message)) for (const listener of listeners) listener(message.message)
}

/**
 * Passes on, in the primary of `node:cluster`, what workers that use `shareAcrossWorkers` tell each other. It understands none
 * of it. Call it once, before the first `fork`.
 * @returns its undo
 */
export function relayBetweenWorkers(): () => void {
  const pass = (from: { readonly id: number }, message: unknown) => {
    if (!isEnvelope(message)) return
    for (const worker of Object.values(cluster.workers ?? {}))
      if (worker && worker.id !== from.id && worker.isConnected()) worker.send(message, () => {})
  }
  cluster.on('message', pass)
  return () => void cluster.off('message', pass)
}

const isEnvelope = (message: unknown): message is Envelope =>
  typeof message === 'object' && message !== null && (message as Partial<Envelope>).gatelet === 'share'
