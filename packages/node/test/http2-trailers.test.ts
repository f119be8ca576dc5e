import { once } from 'node:events'
import { connect } from 'node:http2'
import { HeaderList, PushSource, sourceOf } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { expect, test } from 'vitest'

test.each([true, false])('trailers reach a client that is still sending, where its body is read: %s', async (isRead) => {
  const server = await serve(
    ({ request }) => {
      const body = new PushSource({ pause() {}, resume() {}, cancel() {} })
      const answer = () => {
        body.push(Buffer.from('done'))
        body.end(new HeaderList([['x-status', '10']]))
        return true
      }
      if (isRead) sourceOf(request.body).pipeTo({ write: answer, end() {}, fail() {} })
      else setImmediate(answer)
      return { status: 200, headers: new HeaderList(), body }
    },
    { host: '127.0.0.1', port: 0, http2: true },
  )
  const session = connect(server.url)
  const stream = session.request({ ':method': 'POST', ':path': '/' })
  const heard: string[] = []
  stream.on('trailers', (trailers) => heard.push(`trailers ${trailers['x-status']}`))
  stream.on('end', () => heard.push('end'))
  stream.resume()
  stream.write('a part of the body')
  // The rest is not wanted, which is no error.
  await once(stream, 'close')
  expect(stream.rstCode).toBe(0)
  expect(heard).toEqual(['trailers 10', 'end'])
  session.close()
  await server.close({ graceMs: 0 })
})
