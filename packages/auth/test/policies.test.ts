import { allOf, anyOf, type Denial, not, type Policy, predicate, role, scope } from '@gatelet/auth'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ada, contextOf } from './fakes.ts'

const ask = (policy: Policy) => policy(ada, contextOf())
const allow: Policy = () => undefined
const deny: Policy = () => ({ reason: 'deny' })

describe('policies', () => {
  test.each<[string, Policy, Denial | undefined]>([
    ['every scope is there', scope('read', 'write'), undefined],
    ['one scope is missing', scope('read', 'delete'), { reason: 'scope', scopes: ['read', 'delete'] }],
    ['the role is there', role('admin'), undefined],
    ['the role is missing', role('admin', 'owner'), { reason: 'role' }],
    ['all hold', allOf(scope('read'), role('admin')), undefined],
    ['one of all does not', allOf(allow, role('owner'), deny), { reason: 'role' }],
    ['one of any does', anyOf(deny, role('owner'), allow), undefined],
    ['none of any does', anyOf(role('owner'), deny), { reason: 'role' }],
    ['what is denied, not', not(deny), undefined],
    ['what is allowed, not', not(allow, 'blocked'), { reason: 'blocked' }],
    ['a function says yes', predicate(({ subject }) => subject === 'ada'), undefined],
    ['a function says something else than true', predicate((() => 1) as never), { reason: 'predicate' }],
  ])('%s', (_, policy, expected) => {
    expect(ask(policy)).toEqual(expected)
  })

  test('are boolean algebra, at once and later alike', async () => {
    const { policy } = fc.letrec<{ policy: [Policy, boolean] }>((tie) => ({
      policy: fc.oneof(
        { maxDepth: 4 },
        fc.tuple(fc.boolean(), fc.boolean()).map(([holds, isLate]): [Policy, boolean] => {
          const said = holds ? undefined : { reason: 'no' }
          return [() => (isLate ? Promise.resolve(said) : said), holds]
        }),
        fc.array(tie('policy'), { minLength: 1, maxLength: 4 }).map((all): [Policy, boolean] => {
          const [first, ...more] = all.map(([policy]) => policy) as [Policy, ...Policy[]]
          return [allOf(first, ...more), all.every(([, holds]) => holds)]
        }),
        fc.array(tie('policy'), { minLength: 1, maxLength: 4 }).map((all): [Policy, boolean] => {
          const [first, ...more] = all.map(([policy]) => policy) as [Policy, ...Policy[]]
          return [anyOf(first, ...more), all.some(([, holds]) => holds)]
        }),
        tie('policy').map(([policy, holds]): [Policy, boolean] => [not(policy), !holds]),
      ),
    }))
    const run = async ([policy, holds]: [Policy, boolean]) => {
      expect((await ask(policy)) === undefined).toBe(holds)
    }
    await fc.assert(fc.asyncProperty(policy, run), { seed: 8, numRuns: 300 })
  })

  test('an error on the way lets nobody through, also inside of not', async () => {
    const failing: Policy = () => Promise.reject(new Error('away'))
    for (const policy of [not(failing), anyOf(failing, allow), allOf(allow, failing)])
      await expect(ask(policy)).rejects.toThrow('away')
  })

  test.each<[string, () => unknown, RegExp]>([
    ['no scope', () => (scope as () => Policy)(), /scope: names must be/],
    ['a scope with a space', () => scope('read write'), /scope: names must be/],
    ['no role', () => (role as () => Policy)(), /role: names must be/],
    ['no policy', () => (allOf as () => Policy)(), /allOf: policies\[0\] must be a policy/],
    ['no function', () => anyOf(allow, 'read' as never), /anyOf: policies\[1\] must be a policy/],
    ['nothing', () => not(undefined as never), /not: policies\[0\] must be a policy/],
  ])('refuse %s', (_, make, message) => {
    expect(make).toThrow(message)
  })
})
