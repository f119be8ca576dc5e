import type { UrlEndpoint } from '../endpoint-options.ts'
import { endpointAt, type SchemeOptions } from './endpoint-of.ts'
import { listOf, objectOf, textOf } from './json.ts'

/** How an answer is read. */
export interface ConsulReading extends SchemeOptions {
  onlyPassing?: boolean
}

/**
 * The endpoints in an answer of `/v1/health/service/…`. What is critical or in maintenance is left out, also if the agent sent it.
 * @throws Error when it is no such answer
 */
export function consulEndpoints(answer: unknown, reading: ConsulReading): readonly UrlEndpoint[] {
  if (!Array.isArray(answer)) throw new Error('Consul answered with what is not a list of services')
  const found = new Map<string, UrlEndpoint>()
  for (const entry of answer) {
    const endpoint = endpointOf(entry, reading)
    // A service that is registered twice at one place is one endpoint.
    if (endpoint && !found.has(String(endpoint.url))) found.set(String(endpoint.url), endpoint)
  }
  return [...found.values()]
}

function endpointOf(entry: unknown, { onlyPassing = true, ...how }: ConsulReading): UrlEndpoint | undefined {
  const { Node, Service, Checks } = objectOf(entry)
  const [node, service] = [objectOf(Node), objectOf(Service)]
  const status = worstOf(listOf(Checks).map((check) => objectOf(check)['Status']))
  if (status === 'critical' || (status === 'warning' && onlyPassing)) return undefined
  const { Passing = 1, Warning = 1 } = objectOf(service['Weights'])
  const zone = textOf(objectOf(service['Locality'])['Zone'])
  return endpointAt(
    { ...how, host: textOf(service['Address']) ?? textOf(node['Address']) ?? '', port: Number(service['Port']) },
    {
      weight: (status === 'warning' ? Warning : Passing) as number,
      ...(zone === undefined ? {} : { zone }),
      metadata: {
        ...objectOf(service['Meta']),
        consul: { id: service['ID'], node: node['Node'], datacenter: node['Datacenter'], tags: listOf(service['Tags']) },
      },
    },
  )
}

function worstOf(statuses: readonly unknown[]): 'passing' | 'warning' | 'critical' {
  if (statuses.some((status) => status !== 'passing' && status !== 'warning')) return 'critical'
  return statuses.includes('warning') ? 'warning' : 'passing'
}
