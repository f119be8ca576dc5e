import { createBalancer, type EndpointInit, type EndpointView, type HealthOptions, type ManagedBalancer } from '@gatelet/balancer'
import { onTestFinished } from 'vitest'

/** What the first check of one endpoint finds. The balancer is closed with the test. */
export async function firstCheck(endpoint: EndpointInit, health: HealthOptions): Promise<EndpointView> {
  const balancer = createBalancer({ endpoints: [endpoint], health })
  onTestFinished(() => balancer.close())
  await balancer.ready()
  return only(balancer)
}

/** Its only endpoint. */
export function only(balancer: ManagedBalancer): EndpointView {
  const [first] = balancer.endpoints
  if (!first) throw new Error('there is no endpoint')
  return first
}
