import { chain, type Middleware, text, wantsStrictPaths, withStrictPaths } from '@gatelet/core'
import { expect, test } from 'vitest'

const careful = withStrictPaths<Middleware>((ctx, next) => next(ctx))
const careless: Middleware = (ctx, next) => next(ctx)

test.each<[string, unknown, boolean]>([
  ['a layer that says so', careful, true],
  ['another one', careless, false],
  ['a chain with it', chain().use(careless).use(careful).layer(), true],
  ['a chain of it alone', chain().use(careful).layer(), true],
  ['a chain in a chain', chain().use(careless).use(chain().use(careful).use(careless).layer()).layer(), true],
  [
    'a handler behind it',
    chain()
      .use(careful)
      .to(() => text('x')),
    true,
  ],
  ['a chain without it', chain().use(careless).use(careless).layer(), false],
  ['what is no function', {}, false],
])('knows whether %s wants strict paths', (_, whole, expected) => {
  expect(wantsStrictPaths(whole)).toBe(expected)
})

test('gives the same layer back', () => {
  expect(withStrictPaths(careless)).toBe(careless)
})
