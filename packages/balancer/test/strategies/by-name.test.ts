import { createBalancer, type StrategyName, strategies } from '@gatelet/balancer'
import { expect, test } from 'vitest'
import { leaseOf } from '../fakes.ts'

test.each(Object.keys(strategies) as StrategyName[])('%s is a strategy by this name', (strategy) => {
  const warned: unknown[] = []
  const hear = (warning: Error) => warned.push(warning)
  process.on('warning', hear)
  const balancer = createBalancer({
    endpoints: ['http://a.test', { url: 'http://b.test', weight: 0.3 }],
    strategy,
    hashKey: () => 'x',
  })
  expect(leaseOf(balancer).endpoint.id).toMatch(/^http/)
  process.off('warning', hear)
  expect(warned).toEqual([])
})

test('hash is rendezvous', () => expect(strategies.hash).toBe(strategies.rendezvous))
