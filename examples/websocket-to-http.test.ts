import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { example, textOf } from '../test/example-program.ts'

test('the guide websocket-to-http shows program and page as they are', () => {
  const guide = textOf('docs/guides/websocket-to-http.md')
  for (const [file, kind] of [
    ['websocket-to-http.ts', 'ts'],
    ['websocket-to-http.html', 'html'],
  ])
    expect(guide).toContain(`<!-- examples/${file} -->\n\`\`\`${kind}\n${textOf(`examples/${file}`)}\`\`\``)
})

test('websocket-to-http: what one says all hear, and who asks gets the answer', async () => {
  const { program, url } = await example('websocket-to-http.ts', { SECRET: 'test' })
  await using _ = program
  const open = async () => {
    const socket = new WebSocket(new URL('/chat', url))
    await once(socket, 'open')
    return socket
  }
  const [ada, bob] = [await open(), await open()]
  const heard = Promise.all([once(ada, 'message'), once(bob, 'message')])
  ada.send(JSON.stringify({ action: 'say', text: 'hello' }))
  expect((await heard).map(([data]) => String(data))).toEqual(['hello', 'hello'])
  ada.send(JSON.stringify({ action: 'count' }))
  expect(String((await once(ada, 'message'))[0])).toBe('{"members":2}')
  ada.send(JSON.stringify({ action: 'sing' }))
  expect(JSON.parse(String((await once(ada, 'message'))[0]))).toMatchObject({ message: 'Forbidden' })
  const stranger = await fetch(new URL('/@connections/x', url), { method: 'POST', body: 'spam' })
  expect(stranger.status).toBe(403)
  const member = { method: 'POST', headers: { authorization: 'Bearer test' }, body: 'x' }
  expect((await fetch(new URL('/@connections/x', url), member)).status).toBe(410)
  expect(await (await fetch(url)).text()).toBe(textOf('examples/websocket-to-http.html'))
  const ends = Promise.all([once(ada, 'close'), once(bob, 'close')])
  program.kill('SIGTERM')
  expect((await ends).map(([code]) => code)).toEqual([1012, 1012])
  expect(await program.ended).toBe(0)
}, 30_000)
