import { GatewayError } from '@gatelet/core'
import { type GrpcJsonOptions, grpcJson } from '@gatelet/grpc'
import { describe, expect, test } from 'vitest'
import { annotated, type Rule } from '../support/annotated.ts'
import { descriptors } from '../support/shop.ts'

function refusal(options: unknown): GatewayError {
  try {
    grpcJson(options as GrpcJsonOptions)
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('an annotation that is not right stops the start, with the name of the method', () => {
  test.each<[string, Rule | Uint8Array, RegExp]>([
    ['no slash at the start', { get: 'v1/items' }, /must have "\/" at character 1/],
    ['an empty segment', { get: '/v1//items' }, /must have a segment at character 5/],
    ['a slash at the end', { get: '/v1/' }, /must have a segment at character 5/],
    ['a variable without an end', { get: '/v1/{name' }, /must have "}" at character 10/],
    ['a variable in a variable', { get: '/v1/{name={id}}' }, /must have a segment at character 11/],
    ['a variable without a name', { get: '/v1/{}' }, /must have the name of a field/],
    ['** in the middle', { get: '/v1/**/items' }, /"\*\*" must be the last segment/],
    ['a variable twice', { get: '/v1/{name}/{name}' }, /name stands twice/],
    ['an empty verb', { get: '/v1/items:' }, /must have a verb/],
    ['an unknown field in the path', { get: '/v1/{nope}' }, /shop.v1.GetItemRequest has no field nope/],
    ['an unknown field of a field', { get: '/v1/{name.first}' }, /has no field name.first/],
    ['an unknown field as the body', { post: '/v1/items', body: 'nope' }, /has no field nope, which is its body/],
    ['an unknown field as the answer', { get: '/v1/items', responseBody: 'nope' }, /shop.v1.Item has no field nope/],
    ['a field in the path that is the body', { post: '/v1/{name}', body: 'name' }, /name is in the path and is the body/],
    ['no path', {}, /must have a method of HTTP and a path/],
    ['bytes that are no rule', Buffer.from([0x12, 0xff]), /./],
    ['more bindings in one of more', { get: '/a', additional: [{ get: '/b', additional: [{ get: '/c' }] }] }, /of their own/],
    ['one path twice', { get: '/a/{name}', additional: [{ get: '/a/{view}' }] }, /same requests as shop.v1.Shop.GetItem/],
  ])('%s', (_, rule, message) => {
    const error = refusal({ descriptors: annotated({ GetItem: rule }) })
    expect([error.code, error.path]).toEqual(['BAD_OPTION', 'descriptors'])
    expect(error.message).toMatch(/google.api.http of shop.v1.Shop.GetItem is not right/)
    expect(error.message).toMatch(message)
  })

  test.each<[string, string, Rule, RegExp]>([
    ['a list in the path', 'ListItems', { get: '/v1/{tag}' }, /field tag of the path must be one value/],
    ['a message in the path', 'ListItems', { get: '/v1/{filter}' }, /field filter of the path must be one value/],
    ['a map in the path', 'Echo', { get: '/v1/{counts}' }, /field counts of the path must be one value/],
    ['a stream that is no body', 'ImportItems', { post: '/v1/import' }, /whose requests stream/],
    ['a stream with a variable', 'Chat', { post: '/v1/chat/{name}', body: '*' }, /whose requests stream/],
  ])('%s', (_, method, rule, message) => {
    const error = refusal({ descriptors: annotated({ [method]: rule }) })
    expect(error.message).toContain(`google.api.http of shop.v1.Shop.${method} is not right`)
    expect(error.message).toMatch(message)
  })

  test('two methods for the same requests', () => {
    const rules = { GetItem: { get: '/v1/{name=items/*}' }, ListItems: { get: '/v1/items/{parent}' } }
    expect(refusal({ descriptors: annotated(rules) }).message).toMatch(
      /ListItems is not right.*same requests as shop.v1.Shop.GetItem/,
    )
  })
})

test.each<[unknown, string, RegExp]>([
  [undefined, 'descriptors', /the bytes or the file of a FileDescriptorSet/],
  ['/no/such/file.binpb', 'descriptors', /that can be read/],
  [Buffer.from('no descriptors'), 'descriptors', /FileDescriptorSet/],
  [annotated({}), 'descriptors', /a method with an option google.api.http/],
])('descriptors that are none are refused', (given, path, message) => {
  const error = refusal({ descriptors: given })
  expect([error.code, error.path]).toEqual(['BAD_OPTION', path])
  expect(error.message).toMatch(message)
})

test.each<[object, string, RegExp]>([
  [{ services: [] }, 'services', /at least 1/],
  [{ services: ['shop.Nope'] }, 'services[0]', /must be a service of the descriptors/],
  [{ maxMessageBytes: 0 }, 'maxMessageBytes', /whole number of bytes from 1/],
  [{ unknownFields: 'keep' }, 'unknownFields', /"refuse" or "ignore"/],
  [{ ignoredQuery: [1] }, 'ignoredQuery[0]', /a string/],
  [{ format: { defaults: 'yes' } }, 'format.defaults', /true or false/],
  [{ format: { originalNames: 1 } }, 'format.originalNames', /true or false/],
  [{ format: { enumNumbers: 1 } }, 'format.enumNumbers', /true or false/],
])('the options %o are refused', (given, path, message) => {
  const error = refusal({ descriptors, ...given })
  expect([error.code, error.path]).toEqual(['BAD_OPTION', path])
  expect(error.message).toMatch(message)
})

test('services that are not offered are not there, and may be wrong', () => {
  expect(() =>
    grpcJson({
      descriptors: annotated({ GetItem: { get: 'wrong' }, Place: { post: '/orders', body: '*' } }),
      services: ['legacy.Orders'],
    }),
  ).not.toThrow()
})
