import assert from 'node:assert/strict'
import { lengthOf } from '@gatelet/core'
import { seededRandom } from '../../seeded-random.ts'
import type { Case } from '../suite.ts'
import { bufferOf, Scene, type StartCacheStore, textOf } from './scene.ts'

/** The bytes of a body. */
export function bodyCases(start: StartCacheStore): Case[] {
  const within = (name: string, body: (scene: Scene) => Promise<void>): Case => ({ name, run: () => Scene.with(start, body) })
  return [
    within('gives back the bytes that were written, of every value and length', async (scene) => {
      for (const size of [0, 1, 256, 16_384, 65_535, 65_536, 65_537, 131_072, 200_000]) {
        const [key, bytes] = [scene.key(String(size)), randomBytes(size)]
        await scene.put(key, bytes)
        const entry = await scene.entry(key)
        assert.equal(entry.meta.bodyBytes, size)
        assert.ok((await bufferOf(entry)).equals(bytes), `a body of ${size} bytes has come back as another one`)
      }
    }),
    within('gives the bytes of a range, both ends included', async (scene) => {
      const [key, bytes] = [scene.key(), randomBytes(200_000)]
      await scene.put(key, bytes)
      const entry = await scene.entry(key)
      for (const [start, end] of [
        [0, 0],
        [0, 199_999],
        [199_999, 199_999],
        [65_535, 65_536],
        [10, 150_000],
      ] as const) {
        const part = await bufferOf(entry, { start, end })
        assert.ok(
          part.equals(bytes.subarray(start, end + 1)),
          `the range ${start}-${end} has ${part.byteLength} bytes, or other ones`,
        )
      }
      const known = lengthOf(entry.body({ start: 10, end: 19 }))
      assert.ok(known === undefined || known === 10, `a range of 10 bytes says that it has ${known}`)
    }),
    within('gives a body of its own to each who asks', async (scene) => {
      const [key, body] = [scene.key(), 'x'.repeat(150_000)]
      await scene.put(key, body)
      const entry = await scene.entry(key)
      const all = await Promise.all([entry, entry, await scene.entry(key)].map(textOf))
      assert.ok(
        all.every((text) => text === body),
        'one of three who read a body at the same time got another one',
      )
    }),
    within('never mixes the bytes of an entry and of the one that takes its place', async (scene) => {
      const key = scene.key()
      await scene.put(key, 'a'.repeat(200_000))
      const old = await scene.entry(key)
      await scene.put(key, 'b'.repeat(200_000))
      // A store that lets go at once may break off.
      const read = await textOf(old).catch(() => undefined)
      assert.ok(read === undefined || read === 'a'.repeat(200_000), 'the body of the old entry has bytes of the new one')
      assert.ok((await textOf(await scene.entry(key))) === 'b'.repeat(200_000), 'the body of the new entry is another one')
    }),
  ]
}

function randomBytes(size: number): Buffer {
  const random = seededRandom(size)
  return Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)))
}
