import { GatewayError } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { selectionCheck, selectionOf } from '../../src/routes/selection.ts'

const body = { action: 'say', service: 'chat', n: 1, yes: true, nothing: null, deep: { er: { x: 'y' } }, list: ['a', { b: 'c' }] }

test.each([
  ['$request.body.action', 'say'],
  [`\${request.body.action}`, 'say'],
  [`\${$request.body.action}`, 'say'],
  ['$request.body.n', '1'],
  ['$request.body.yes', 'true'],
  ['$request.body.deep.er.x', 'y'],
  ['$request.body.deep', undefined],
  ['$request.body.list', undefined],
  ['$request.body.list[0]', 'a'],
  ['$request.body.list[1].b', 'c'],
  [`\${request.body.service}/\${request.body.action}`, 'chat/say'],
  [`\${request.body.service}\${request.body.action}`, 'chatsay'],
  [`v1-\${request.body.action}`, 'v1-say'],
  ['$request.body.service/$request.body.action', 'chat/say'],
  ['$request.body.nothing', undefined],
  ['$request.body.missing', undefined],
  ['$request.body.action.more', undefined],
  ['$request.body.toString', undefined],
  ['$request.body.__proto__', undefined],
  ['$request.body.constructor.name', undefined],
  [`\${request.body.service}/\${request.body.missing}`, undefined],
])('%s names %s', (expression, key) => {
  expect(selectionOf(expression)(body)).toBe(key)
})

test.each([
  '',
  'action',
  '$request.header.x',
  '$request.body',
  '$request.body.',
  `\${request.body}`,
  '$',
  `\${`,
  '$context.x',
  '$request.body.a $b',
])('refuses %j when the program starts', (expression) => {
  expect(() => selectionCheck(expression, 'routeSelectionExpression')).toThrow(GatewayError)
})

test.each([undefined, null, 'say', 1, [], true])('finds no route in %j', (message) => {
  expect(selectionOf('$request.body.action')(message)).toBeUndefined()
})

test('finds what any JSON has under a name of its own', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (inner, action) => {
      expect(selectionOf('$request.body.action')({ action, inner })).toBe(action)
      expect(selectionOf('$request.body.inner.action')({ inner })).toSatisfy(
        (key) => key === undefined || typeof key === 'string',
      )
    }),
    { seed: 6455 },
  )
})
