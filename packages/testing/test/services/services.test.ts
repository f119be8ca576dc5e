import { get } from 'node:http'
import {
  findProgram,
  requirePostgres,
  requireProgram,
  startHaproxy,
  startNginx,
  startPostgres,
  startRedis,
  startRedisCluster,
} from '@gatelet/testing'
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

describe.skipIf(!requirePostgres())('PostgreSQL', () => {
  test('runs until it is closed, and is there again after a crash', async () => {
    const postgres = await startPostgres()
    expect(await status(`http://127.0.0.1:${postgres.port}`)).toBe('ECONNRESET')
    await postgres.crash()
    expect(await status(`http://127.0.0.1:${postgres.port}`)).toBe('ECONNREFUSED')
    await postgres.start()
    expect(await status(`http://127.0.0.1:${postgres.port}`)).toBe('ECONNRESET')
    await postgres.close()
    expect(await status(`http://127.0.0.1:${postgres.port}`)).toBe('ECONNREFUSED')
  }, 30_000)

  test('says why it does not start', async () => {
    await expect(startPostgres({ settings: { max_connections: 'none' } })).rejects.toThrow(/does not listen: .*max_connections/s)
  }, 30_000)
})

describe.each([
  ['redis-server', requireProgram('redis-server')],
  // Not in every system's list of packages: where it is there, it is tested.
  ['valkey-server', findProgram('valkey-server')],
] as const)('%s', (program, found) => {
  describe.skipIf(!found)('where it is installed', () => {
    test('runs until it is closed, and starts again on the same port, empty', async () => {
      await using redis = await startRedis({ program })
      expect(await redis.command('SET', 'clé', '1')).toBe('OK')
      expect(await redis.command('MGET', 'clé', 'none')).toEqual(['1', null])
      await redis.close()
      await expect(redis.command('PING')).rejects.toThrow('ECONNREFUSED')
      await redis.start()
      expect(await redis.command('DBSIZE')).toBe(0)
    })

    test('says what it does not like', async () => {
      await using redis = await startRedis({ program, args: ['--maxmemory', '2mb'] })
      expect(await redis.command('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '2097152'])
      await expect(redis.command('NO-SUCH')).rejects.toThrow('unknown command')
      await expect(startRedis({ program, args: ['--no-such', '1'] })).rejects.toThrow(/does not listen: .*no-such/s)
    })

    test('runs as a cluster whose nodes send clients to each other', async () => {
      await using cluster = await startRedisCluster({ program })
      expect(new Set(cluster.nodes.map(({ port }) => port)).size).toBe(3)
      // The slot of 'key' is in the last third.
      const [first, second, third] = cluster.nodes
      await expect(first?.command('GET', 'key')).rejects.toThrow(`MOVED 12539 127.0.0.1:${third?.port}`)
      await expect(second?.command('GET', 'key')).rejects.toThrow(`MOVED 12539 127.0.0.1:${third?.port}`)
      expect(await third?.command('GET', 'key')).toBe(null)
    })
  })
})
