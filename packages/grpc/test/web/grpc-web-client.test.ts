import { create, createFileRegistry, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import grpcWebClient from 'grpc-web'
import { beforeAll, describe, expect, test, vi } from 'vitest'
// @ts-expect-error It has no types.
import { XMLHttpRequest } from 'xhr2'
import { gateway } from '../support/gateway.ts'
import { descriptors, type Fields, startShop } from '../support/shop.ts'

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors))

function descriptor(name: string, kind: 'unary' | 'server_streaming') {
  const method = registry.getService('shop.v1.Shop')?.methods.find((each) => each.name === name)
  if (!method) throw new Error(`no ${name}`)
  const write = (fields: Fields) => toBinary(method.input, Object.assign(create(method.input), fields) as Message)
  const read = (bytes: Uint8Array) => fromBinary(method.output, bytes)
  return new grpcWebClient.MethodDescriptor<Fields, Message>(
    `/shop.v1.Shop/${name}`,
    kind,
    Object as unknown as new () => Fields,
    Object as unknown as new () => Message,
    write,
    read,
  )
}

/** The client of the project itself, which knows XMLHttpRequest alone; `text` is its form for streams. */
describe.each(['text', 'binary'])('the client of grpc-web, as %s,', (format) => {
  beforeAll(() => {
    vi.stubGlobal('XMLHttpRequest', XMLHttpRequest)
  })

  test('makes a call and is told of a failure', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    const client = new grpcWebClient.GrpcWebClientBase({ format })
    const getItem = descriptor('GetItem', 'unary')
    const ask = (fields: Fields) =>
      new Promise((resolve, reject) => {
        const url = `${front.url}${getItem.getName()}`
        client.rpcCall(url, fields, { 'x-trace': 'abc' }, getItem, (error, item) => (error ? reject(error) : resolve(item)))
      })
    expect(await ask({ name: 'lamp' })).toMatchObject({ title: 'A lamp' })
    expect(shop.calls[0]?.metadata.get('x-trace')).toEqual(['abc'])
    await expect(ask({ view: 'fail:5:no such thing' })).rejects.toMatchObject({ code: 5, message: 'no such thing' })
  })

  test.runIf(format === 'text')('gets a stream, and the status at its end', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    const client = new grpcWebClient.GrpcWebClientBase({ format })
    const watch = descriptor('WatchItems', 'server_streaming')
    const heard: unknown[] = []
    const status = await new Promise<{ code: number }>((resolve) => {
      const call = client.serverStreaming(`${front.url}${watch.getName()}`, { count: 20, failWith: 10 }, {}, watch)
      call.on('data', (item) => heard.push((item as unknown as Fields)['name']))
      call.on('error', ({ code }) => resolve({ code }))
    })
    expect(heard).toEqual(Array.from({ length: 20 }, (_, at) => `item ${at}`))
    expect(status.code).toBe(10)
  })
})
