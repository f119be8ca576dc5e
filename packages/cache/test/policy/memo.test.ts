import { expect, test } from 'vitest'
import { Memo } from '../../src/policy/memo.ts'

test.each([
  ['a plain object', () => ({ url: 'x' })],
  ['a frozen one', () => Object.freeze({ url: 'x' })],
])('what is found out about %s stays with it, is not seen in it, and is not copied', (_, make) => {
  const [memo, other] = [new Memo<object, number>(), new Memo<object, number>()]
  const one = make()
  expect(memo.get(one)).toBeUndefined()
  memo.set(one, 1)
  memo.set(one, 2)
  expect([memo.get(one), other.get(one), memo.get({ ...one }), memo.get(make())]).toEqual([2, undefined, undefined, undefined])
  expect([JSON.stringify(one), Object.keys(one), structuredClone(one)]).toEqual(['{"url":"x"}', ['url'], { url: 'x' }])
})
