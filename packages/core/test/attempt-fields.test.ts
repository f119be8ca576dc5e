import { attemptFieldsOf, type ComingAttempt, type Endpoint, withAttemptFields, withFields } from '@gatelet/core'
import { exchange } from '@gatelet/testing'
import { expect, test } from 'vitest'

const coming: ComingAttempt = { endpoint: { id: 'a' } as Endpoint, attempt: 1, origin: new URL('http://a.test') }

test('what several layers want told is told, the last one in the end', () => {
  const { ctx } = exchange('/')
  expect(attemptFieldsOf(ctx)).toBeUndefined()
  const first = withAttemptFields(ctx, ({ attempt }) => [['x-attempt', String(attempt)]])
  const both = withAttemptFields(first, ({ endpoint }) => [['x-endpoint', endpoint.id]])
  expect(attemptFieldsOf(both)?.(coming)).toEqual([
    ['x-attempt', '1'],
    ['x-endpoint', 'a'],
  ])
  expect(Object.keys(both.state)).toEqual([])
})

test('fields take the place of those of the same name, however that is spelled', () => {
  expect(withFields(['A', '1', 'b', '2', 'a', '3'], [['a', '4']])).toEqual(['b', '2', 'a', '4'])
  expect(withFields(['A', '1'], [])).toEqual(['A', '1'])
})
