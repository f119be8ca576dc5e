import assert from 'node:assert/strict'
import type { Case } from '../suite.ts'
import { bufferOf, Scene, type StartCacheStore } from './scene.ts'

/** What is stored, and when it shows. */
export function entryCases(start: StartCacheStore): Case[] {
  const within = (name: string, body: (scene: Scene) => Promise<void>): Case => ({ name, run: () => Scene.with(start, body) })
  return [
    within('shows an entry once it is committed, whole, and nothing of it before', async (scene) => {
      const key = scene.key()
      const writer = scene.open(key)
      writer.write(Buffer.alloc(100_000, 'a'))
      assert.deepEqual(await scene.bodies(key), [], 'an entry that is being written')
      writer.write(Buffer.from('end'))
      assert.equal(await writer.commit(), true)
      assert.equal((await bufferOf(await scene.entry(key))).byteLength, 100_003, 'bytes of a body of 100,003')
    }),
    within('stores nothing of what is aborted, and nothing after the end', async (scene) => {
      const [aborted, over] = [scene.key('aborted'), scene.key('over')]
      const writer = scene.open(aborted)
      writer.write(Buffer.from('never'))
      writer.abort()
      assert.equal(writer.write(Buffer.from('more')), false, 'write() after abort()')
      assert.equal(await writer.commit(), false, 'commit() after abort()')
      assert.deepEqual(await scene.bodies(aborted), [])
      const committed = scene.open(over)
      committed.write(Buffer.from('all'))
      await committed.commit()
      assert.equal(committed.write(Buffer.from('more')), false, 'write() after commit()')
      committed.abort()
      assert.deepEqual(await scene.bodies(over), ['all'])
    }),
    within(
      'gives back the meta data, those of the commit where it has some, with the length of what was written',
      async (scene) => {
        const key = scene.key()
        const meta = scene.meta({
          status: 203,
          headers: ['Cache-Control', 'max-age=60', 'X-Name', 'caf\u00e9', 'x-name', '', 'X-Name', '"{}\\'],
          requestHeaders: { 'accept-language': 'de', accept: undefined },
          tags: [scene.tag('a b'), scene.tag('{b}')],
        })
        const writer = scene.open(key)
        writer.write(Buffer.from('12345'))
        await writer.commit({ ...meta, bodyBytes: 99 })
        const { softPurgedAt, ...stored } = (await scene.entry(key)).meta
        // A value that is not there says the same as one that is undefined.
        const said = (value: unknown) => JSON.parse(JSON.stringify(value))
        assert.deepEqual(said(stored), said({ ...meta, bodyBytes: 5 }))
        assert.equal(softPurgedAt, undefined)
      },
    ),
    within('keeps the variants of a key apart, and replaces the one of the same name', async (scene) => {
      const key = scene.key()
      for (const [variant, body] of [
        ['gzip', 'old'],
        ['br', 'other'],
        ['gzip', 'new'],
      ] as const)
        await scene.put(key, body, { variant })
      const entries = await scene.entries(key)
      const found = await Promise.all(entries.map(async (entry) => `${entry.variant}: ${await bufferOf(entry)}`))
      assert.deepEqual(found.sort(), ['br: other', 'gzip: new'])
      assert.equal(new Set(entries.map(({ id }) => id)).size, 2, 'entries have the same id')
    }),
    within('keeps keys apart, whatever is in them', async (scene) => {
      const keys = [
        'a',
        'a ',
        'a b',
        'A',
        '{a}',
        '{a}b',
        'a?',
        'a:0',
        'a*',
        'a\u00e9',
        'x'.repeat(5_000),
        `${'x'.repeat(5_000)}y`,
      ].map((path) => scene.key(path))
      for (const [at, key] of keys.entries()) await scene.put(key, String(at))
      for (const [at, key] of keys.entries())
        assert.deepEqual(await scene.bodies(key), [String(at)], `the key ${key.slice(0, 80)}`)
    }),
    within('never mixes two that write the same entry at the same time', async (scene) => {
      const key = scene.key()
      const writers = ['a', 'b'].map((letter) => ({ letter, writer: scene.open(key) }))
      for (let part = 0; part < 5; part++) for (const { letter, writer } of writers) writer.write(Buffer.alloc(30_000, letter))
      await Promise.all(writers.map(({ writer }) => writer.commit()))
      const body = (await bufferOf(await scene.entry(key))).toString()
      assert.ok(body === 'a'.repeat(150_000) || body === 'b'.repeat(150_000), 'the body is that of neither writer')
    }),
    within('gives up what is longer than it may be, and keeps what was there', async (scene) => {
      const key = scene.key()
      await scene.put(key, 'before')
      const writer = scene.store.open(key, '', scene.meta())
      let taken = 0
      while (writer?.write(Buffer.alloc(50_000))) {
        taken += 50_000
        assert.ok(taken <= scene.maxEntryBytes, `write() takes more than ${scene.maxEntryBytes} bytes`)
      }
      assert.notEqual(await writer?.commit(), true, 'commit() of what was given up')
      assert.deepEqual(await scene.bodies(key), ['before'])
    }),
    within('keeps no more entries of a key than it may, and those that came last', async (scene) => {
      const key = scene.key()
      for (let at = 0; at < scene.maxVariants + 3; at++) await scene.put(key, `${at}`, { variant: `${at}` })
      const variants = (await scene.entries(key)).map(({ variant }) => Number(variant))
      assert.ok(variants.length <= scene.maxVariants, `${variants.length} entries of one key, of at most ${scene.maxVariants}`)
      assert.ok(variants.includes(scene.maxVariants + 2), 'the one that came last is not there')
    }),
    within('shows nothing that is of no use any more', async (scene) => {
      const key = scene.key()
      const { responseTimeMs } = scene.meta()
      const times = { requestTimeMs: responseTimeMs - 7_200_000, responseTimeMs: responseTimeMs - 7_200_000 }
      await scene.open(key, scene.meta({ ...times, headers: ['cache-control', 'max-age=60'] })).commit()
      assert.deepEqual(await scene.entries(key), [], 'an entry that was over two hours ago')
    }),
  ]
}
