import { get } from 'node:http'
import { requireProgram, startHaproxy, startNginx } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const status = (url: string) =>
  new Promise<number | string | undefined>((resolve) =>
    get(url, { agent: false }, (response) => resolve(response.resume().statusCode)).on('error', (error) =>
      resolve((error as NodeJS.ErrnoException).code),
    ),
  )

describe.skipIf(!requireProgram('nginx'))('nginx', () => {
  test('runs until it is closed', async () => {
    const nginx = await startNginx((port) => `server { listen 127.0.0.1:${port}; return 204; }`)
    expect(await status(nginx.url)).toBe(204)
    await nginx.close()
    expect(await status(nginx.url)).toBe('ECONNREFUSED')
  })

  test('says why it does not start', async () => {
    await expect(startNginx(() => 'no such directive;')).rejects.toThrow(/nginx does not listen: .*unknown directive "no"/s)
  })
})

describe.skipIf(!requireProgram('haproxy'))('HAProxy', () => {
  test('runs until it is closed', async () => {
    const haproxy = await startHaproxy((port) => `frontend all\n  bind 127.0.0.1:${port}\n  http-request return status 200`)
    expect(await status(haproxy.url)).toBe(200)
    await haproxy.close()
    expect(await status(haproxy.url)).toBe('ECONNREFUSED')
  })

  test('says why it does not start', async () => {
    await expect(startHaproxy(() => 'listn all')).rejects.toThrow(/haproxy does not listen: .*unknown keyword 'listn'/s)
  })
})
