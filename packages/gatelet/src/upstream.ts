import { createBalancer, type EndpointInit, type ManagedBalancer } from '@gatelet/balancer'
import { proxy } from '@gatelet/proxy'
import type { UpstreamOptions } from './options.ts'
import { isSame } from './same.ts'
import { within } from './within.ts'

/** A set of servers at work, and the options that made it. */
export interface Upstream {
  readonly options: UpstreamOptions
  readonly balancer: ManagedBalancer
  readonly proxy: ReturnType<typeof proxy>
}

/**
 * The upstream that these options ask for. What fits stays from the one before: the balancer, with what it knows of its
 * endpoints, unless more than their list has changed; the proxy, with its connections, if that has not either. What is at
 * work goes on as it is until `takeOver`.
 * @param owner the function that took the options, for messages
 * @param options checked
 * @throws GatewayError `BAD_OPTION` for a strategy that does not work
 */
export function plannedUpstream(owner: string, name: string, options: UpstreamOptions, before?: Upstream): Upstream {
  if (before && isSame(options, before.options)) return before
  const { proxy: asking, ...balancing } = options
  const stays =
    before !== undefined &&
    hasLists(options, before.options) &&
    isSame(withoutEndpoints(options), withoutEndpoints(before.options))
  const balancer = stays ? before.balancer : within(owner, `upstreams.${name}`, () => createBalancer({ name, ...balancing }))
  const keepsProxy = stays && isSame(asking, before.options.proxy)
  if (keepsProxy) return { options, balancer, proxy: before.proxy }
  try {
    return { options, balancer, proxy: within(owner, `upstreams.${name}.proxy`, () => proxy(balancer, asking)) }
  } catch (error) {
    if (!stays) void balancer.close()
    throw error
  }
}

function withoutEndpoints({ endpoints: _endpoints, proxy: _proxy, ...others }: UpstreamOptions): object {
  return others
}

/** Whether both give their endpoints as a list. Another discovery source is another balancer. */
function hasLists(...both: readonly UpstreamOptions[]): boolean {
  return both.every(({ endpoints }) => Array.isArray(endpoints))
}

/** Gives a balancer that stays the list of endpoints that is asked for now. */
export function takeOver({ options, balancer }: Upstream, before: Upstream | undefined): void {
  if (before?.balancer !== balancer || isSame(options.endpoints, before.options.endpoints)) return
  // Not waited for: what the endpoints that leave have in flight ends in its own time. The list was checked before.
  void balancer.replace(options.endpoints as readonly EndpointInit[])
}

/** What of an upstream is not at work any more; undefined when all of it is. */
export function leftBehind(before: Upstream, now: Upstream | undefined): { close(): Promise<void> } | undefined {
  const { balancer, proxy } = before
  const keepsBalancer = balancer === now?.balancer
  if (keepsBalancer && proxy === now.proxy) return undefined
  return {
    async close() {
      if (!keepsBalancer) await balancer.close()
      await proxy.close()
    },
  }
}
