import { readFileSync } from 'node:fs'
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader'
import { expect, test } from 'vitest'
import { example, textOf } from '../test/example-program.ts'

test.each(['grpc.ts', 'greeter.proto', 'greeter.html', 'greeter-client.js'])('the guide shows %s as it is', (file) => {
  const kind = { ts: 'ts', proto: 'proto', html: 'html', js: 'js' }[file.split('.').at(-1) ?? '']
  expect(textOf('docs/guides/grpc.md')).toContain(`<!-- examples/${file} -->\n\`\`\`${kind}\n${textOf(`examples/${file}`)}\`\`\``)
})

test('one gateway answers gRPC, pages and JSON, and passes over a server that is gone', async () => {
  const one = await example('greeter-server.ts')
  const other = await example('greeter-server.ts')
  await using _one = one.program
  await using _other = other.program
  const { program, url } = await example('grpc.ts', { GREETERS: `${one.url} ${other.url}` })
  await using _ = program

  const json = await fetch(`${url}/v1/hello/Ada?language=de`)
  expect(await json.json()).toEqual({ text: 'Hallo, Ada!' })
  const missing = await fetch(`${url}/v1/hello/nobody`)
  expect([missing.status, await missing.json()]).toEqual([404, { code: 5, message: 'nobody is here', details: [] }])
  const events = await fetch(`${url}/v1/count/2`, { headers: { accept: 'text/event-stream' } })
  expect(await events.text()).toBe('data: {"number":1}\n\ndata: {"number":2}\n\n')

  const client = (await import(new URL('greeter-client.js', import.meta.url).href)) as {
    sayHello(baseUrl: string, name: string): Promise<string>
  }
  expect(await client.sayHello(url, 'Ada')).toBe('Hello, Ada!')
  await expect(client.sayHello(url, 'nobody')).rejects.toThrow('5: nobody is here')
  expect(await (await fetch(url)).text()).toContain("new EventSource('/v1/count/5')")
  expect((await fetch(`${url}/greeter-client.js`)).headers.get('content-type')).toBe('text/javascript')

  one.program.kill('SIGTERM')
  await one.program.ended
  const definition = loadFileDescriptorSetFromBuffer(readFileSync(new URL('greeter.binpb', import.meta.url)))
  const { greeter } = loadPackageDefinition(definition) as unknown as { greeter: { v1: { Greeter: ServiceClientConstructor } } }
  const native = new greeter.v1.Greeter(new URL(url).host, credentials.createInsecure())
  const greet = (name: string) =>
    new Promise((resolve, reject) => {
      native['SayHello']?.({ name }, (error: Error | null, reply: object) => (error ? reject(error) : resolve(reply)))
    })
  for (let asked = 0; asked < 4; asked++) expect(await greet('Ada')).toEqual({ text: 'Hello, Ada!' })
  native.close()

  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 60_000)
