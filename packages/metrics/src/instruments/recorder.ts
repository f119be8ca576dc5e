import { type EventMap, subscribe } from '@gatelet/core'
import { Attempts } from './attempts.ts'
import { Balancers } from './balancers.ts'
import { Endpoints } from './endpoints.ts'
import type { Kit } from './kit.ts'
import { Layers } from './layers.ts'
import { Requests } from './requests.ts'
import { TcpConnections } from './tcp-connections.ts'

/**
 * Records what all gateways of this process do, by the events of core.
 * @returns what ends it
 */
export function record(kit: Kit): () => void {
  const requests = new Requests(kit)
  const endpoints = new Endpoints(kit)
  const attempts = new Attempts(kit, (endpoint) => endpoints.meet(endpoint))
  const balancers = new Balancers(kit)
  const layers = new Layers(kit)
  const connections = new TcpConnections(kit)
  const undo: (() => void)[] = []
  const on = <N extends keyof EventMap>(name: N, listener: (event: EventMap[N]) => void) =>
    void undo.push(subscribe(name, listener))
  on('request:started', (event) => requests.started(event))
  on('request:routed', (event) => requests.routed(event))
  on('request:failed', (event) => requests.failed(event))
  on('request:upgraded', (event) => requests.upgraded(event))
  on('request:finished', (event) => requests.finished(event))
  on('websocket:passed', (event) => requests.passed(event))
  on('upstream:attempted', (event) => {
    attempts.attempted(event)
    requests.attempted(event)
  })
  on('endpoint:changed', (event) => {
    endpoints.changed(event)
    if (event.change === 'removed') attempts.removed(() => endpoints.all())
  })
  on('queue:joined', (event) => balancers.joined(event))
  on('queue:left', (event) => balancers.left(event))
  on('discovery:updated', (event) => balancers.discovered(event))
  on('discovery:failed', (event) => balancers.notDiscovered(event))
  on('load:changed', (event) => balancers.loaded(event))
  on('rate:decided', (event) => layers.limited(event))
  on('rate:banned', () => layers.banned())
  on('rate:plan-failed', () => layers.planFailed())
  on('auth:decided', (event) => layers.decided(event))
  on('cache:answered', (event) => {
    layers.answered(event)
    requests.answeredByCache(event)
  })
  on('cache:stored', (event) => layers.kept(event))
  on('cache:store-failed', (event) => layers.storeFailed(event))
  on('store:changed', (event) => layers.storeChanged(event))
  on('part:failed', (event) => layers.partFailed(event))
  on('request:mirrored', (event) => layers.mirrored(event))
  on('request:split', (event) => layers.split(event))
  on('connection:finished', (event) => connections.finished(event))
  return () => {
    for (const stop of undo) stop()
  }
}
