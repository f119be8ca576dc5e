import { createGateway } from 'gatelet'
import type { DiscoverySource } from 'gatelet/balancer'
import { expect, test, vi } from 'vitest'

const routes = [{ path: '/*', to: 'users' as const }]

function source(url: string): DiscoverySource & { ended: ReturnType<typeof vi.fn> } {
  const ended = vi.fn()
  return {
    name: 'test',
    ended,
    watch(observer) {
      observer.found([url])
      return ended
    },
  }
}

test('an upstream follows another source when it is given one, and stays as it is with the same', async () => {
  const [first, second] = [source('http://10.0.0.1'), source('http://10.0.0.2')]
  const gateway = createGateway({ upstreams: { users: { endpoints: first } }, routes })
  const ids = () => gateway.upstreams.users.endpoints.map(({ id }) => id)
  expect(ids()).toEqual(['http://10.0.0.1'])
  expect(await gateway.replace({ upstreams: { users: { endpoints: first } }, routes })).toEqual({ changed: [] })
  expect(await gateway.replace({ upstreams: { users: { endpoints: second } }, routes })).toEqual({ changed: ['upstreams.users'] })
  expect(ids()).toEqual(['http://10.0.0.2'])
  await gateway.replace({ upstreams: { users: { endpoints: ['http://10.0.0.3'] } }, routes })
  expect(ids()).toEqual(['http://10.0.0.3'])
  await gateway.close()
  expect([first.ended, second.ended].map((ended) => ended.mock.calls.length)).toEqual([1, 1])
})
