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
      const heard = (message: unknown) => void (isEnvelope(message) && listener(message.message))
      if (cluster.isWorker) process.on('message', heard)
      return () => void process.off('message', heard)
    },
  }
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
