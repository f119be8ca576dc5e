import type { UrlEndpoint } from '../endpoint-options.ts'
import { endpointAt, type SchemeOptions } from './endpoint-of.ts'
import { type Json, objectOf, objectsOf, textOf } from './json.ts'

/** How slices are read. */
export interface SliceReading extends SchemeOptions {
  port?: string | number
  family?: 4 | 6
}

/**
 * The endpoints that all slices of a service tell together. While a pod moves from one slice to another it stands in both; a
 * service with two families has each pod once for each: either way it is one endpoint.
 * @throws Error when the service has several ports and none is chosen
 */
export function sliceEndpoints(slices: readonly Json[], reading: SliceReading): readonly UrlEndpoint[] {
  const pods = new Map<string, Pod>()
  for (const pod of slices.flatMap((slice) => podsOf(slice, reading))) {
    const known = pods.get(pod.key)
    if (!known || rank(pod, reading) < rank(known, reading)) pods.set(pod.key, pod)
  }
  // As kube-proxy does it: where nobody is ready, those that are leaving and still serve are better than nobody.
  const anyReady = [...pods.values()].some(({ state }) => state === 'ready')
  return [...pods.values()]
    .filter(({ state }) => state !== 'away')
    .map(({ host, port, state, zone, metadata }) =>
      endpointAt(
        { ...reading, host, port },
        { weight: state === 'ready' || !anyReady ? 1 : 0, metadata, ...(zone === undefined ? {} : { zone }) },
      ),
    )
}

interface Pod {
  readonly key: string
  readonly host: string
  readonly port: number
  readonly family: 4 | 6
  readonly state: 'ready' | 'leaving' | 'away'
  readonly zone: string | undefined
  readonly metadata: Readonly<Record<string, unknown>>
}

function podsOf(slice: Json, reading: SliceReading): readonly Pod[] {
  const endpoints = objectsOf(slice['endpoints'])
  if (endpoints.length === 0) return []
  const port = portOf(objectsOf(slice['ports']), reading)
  if (port === undefined) return []
  const family = slice['addressType'] === 'IPv6' ? 6 : 4
  return endpoints.flatMap((endpoint): readonly Pod[] => {
    const { addresses, conditions, targetRef, nodeName, zone } = endpoint
    // Several addresses of one endpoint are the same server: the first counts.
    const host = Array.isArray(addresses) ? textOf(addresses[0]) : undefined
    if (host === undefined) return []
    const { name, uid } = objectOf(targetRef)
    return [
      {
        key: `${textOf(uid) ?? host} ${port}`,
        host,
        port,
        family,
        state: stateOf(objectOf(conditions)),
        zone: textOf(zone),
        metadata: { pod: textOf(name), node: textOf(nodeName) },
      },
    ]
  })
}

/** Left out, a condition means the best: ready, serving, not terminating. */
function stateOf({ ready, serving, terminating }: Json): Pod['state'] {
  if (ready !== false && terminating !== true) return 'ready'
  return terminating === true && serving !== false ? 'leaving' : 'away'
}

/** Undefined where the slice has none that fits. No list of ports at all means any, so the number decides. */
function portOf(ports: readonly Json[], { port: wanted, scheme = 'http' }: SliceReading): number | undefined {
  if (typeof wanted === 'number') return ports.length === 0 || ports.some(({ port }) => port === wanted) ? wanted : undefined
  const named = ports.find(({ name }) => (name ?? '') === (wanted ?? scheme))
  const found = named ?? (wanted === undefined && ports.length === 1 ? ports[0] : undefined)
  if (!found && wanted === undefined && ports.length > 1)
    throw new Error(`the service has ${ports.length} ports: the option port must say which`)
  return typeof found?.['port'] === 'number' ? found['port'] : undefined
}

/** Of what is told of one pod, the lower counts: the family that is wanted, then who is better off. */
function rank({ family, state }: Pod, reading: SliceReading): number {
  const states = { ready: 0, leaving: 1, away: 2 }
  return (family === (reading.family ?? 4) ? 0 : 10) + states[state]
}
