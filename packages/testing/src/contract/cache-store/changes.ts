import assert from 'node:assert/strict'
import type { PurgeSelector } from '@gatelet/cache'
import type { Case } from '../suite.ts'
import { Scene, type StartCacheStore } from './scene.ts'

/** Other meta data, and purges. */
export function changeCases(start: StartCacheStore): Case[] {
  const within = (name: string, body: (scene: Scene) => Promise<void>): Case => ({ name, run: () => Scene.with(start, body) })
  return [
    within('puts other meta data in place of those of an entry, and keeps its body', async (scene) => {
      const [key, tag] = [scene.key(), scene.tag('renewed')]
      await scene.put(key, 'body')
      await scene.store.touch(key, await scene.entry(key), scene.meta({ headers: ['cache-control', 'max-age=7'], tags: [tag] }))
      const { meta } = await scene.entry(key)
      assert.deepEqual([meta.headers, meta.bodyBytes], [['cache-control', 'max-age=7'], 4])
      assert.deepEqual(await scene.bodies(key), ['body'])
      await scene.purge({ tag })
      assert.deepEqual(await scene.bodies(key), [], 'a tag that it was given later is not purged')
    }),
    within(
      'changes nothing of an entry that took the place of the one that is renewed, and makes none of one that is gone',
      async (scene) => {
        const key = scene.key()
        await scene.put(key, 'old')
        const old = await scene.entry(key)
        await scene.put(key, 'new')
        await scene.store.touch(key, old, scene.meta({ status: 404 }))
        assert.equal((await scene.entry(key)).meta.status, 200, 'the meta data of an old body are put to a new one')
        await scene.purge({ key })
        await scene.store.touch(key, old, scene.meta())
        assert.deepEqual(await scene.entries(key), [], 'what is gone is there again')
      },
    ),
    within('keeps stale what was softly purged after it was read by who renews it', async (scene) => {
      const key = scene.key()
      await scene.put(key, 'body')
      const before = await scene.entry(key)
      await scene.purge({ key }, { soft: true })
      const after = await scene.entry(key)
      await scene.store.touch(key, before, scene.meta())
      assert.notEqual((await scene.entry(key)).meta.softPurgedAt, undefined, 'a soft purge is lost')
      await scene.store.touch(key, after, scene.meta())
      assert.equal((await scene.entry(key)).meta.softPurgedAt, undefined, 'what was renewed since the purge is still stale')
    }),
    within('purges all variants of a key, and no other key', async (scene) => {
      const { purged, left } = await afterPurge(scene, { key: scene.key('a/1') })
      assert.deepEqual(left, ['a/2', 'b/1'])
      assert.ok(purged === 2 || purged === 0, `it says that 2 entries were ${purged}`)
    }),
    within('purges by the beginning of keys', async (scene) => {
      assert.deepEqual((await afterPurge(scene, { prefix: scene.key('a/') })).left, ['b/1'])
    }),
    within('purges by tag, and only what has it', async (scene) => {
      assert.deepEqual((await afterPurge(scene, { tag: scene.tag('one') })).left, ['a/1', 'b/1'])
      assert.deepEqual((await afterPurge(scene, { tag: scene.tag('on') })).left, ['a/1', 'a/2', 'b/1'], 'a part of a tag is none')
    }),
    within('purges all', async (scene) => {
      assert.deepEqual((await afterPurge(scene, { all: true })).left, [])
    }),
    within('softly makes stale what it is told, and keeps it', async (scene) => {
      const [key, other] = [scene.key('soft'), scene.key('other')]
      await scene.put(key, 'body')
      await scene.put(other, 'other')
      const now = scene.meta().responseTimeMs
      await scene.purge({ key }, { soft: true })
      const { softPurgedAt } = (await scene.entry(key)).meta
      assert.ok(softPurgedAt !== undefined && Math.abs(softPurgedAt - now) < 60_000, `softPurgedAt is ${softPurgedAt} at ${now}`)
      assert.deepEqual(await scene.bodies(key), ['body'])
      assert.equal((await scene.entry(other)).meta.softPurgedAt, undefined, 'another entry is stale too')
    }),
    within('stores nothing that was opened before it was purged, by whatever it was', async (scene) => {
      const tag = scene.tag('late')
      for (const selector of [
        { key: scene.key('w') },
        { prefix: scene.key() },
        { tag },
        { all: true },
      ] satisfies PurgeSelector[]) {
        const writer = scene.open(scene.key('w'))
        writer.write(Buffer.from('older'))
        // What opens it may ask somebody else where it stands: that is before the purge.
        await scene.entries(scene.key('w'))
        await scene.purge(selector)
        await writer.commit(scene.meta({ tags: [tag] }))
        assert.deepEqual(await scene.bodies(scene.key('w')), [], `after a purge of ${JSON.stringify(selector)}`)
      }
      await scene.put(scene.key('w'), 'newer', { tags: [tag] })
      assert.deepEqual(await scene.bodies(scene.key('w')), ['newer'], 'what was opened after the purges is stored')
    }),
    within('stores as stale at most what was opened before it was softly purged', async (scene) => {
      const key = scene.key()
      const writer = scene.open(key)
      await scene.entries(key)
      await scene.purge({ prefix: scene.key() }, { soft: true })
      await writer.commit()
      for (const { meta } of await scene.entries(key)) assert.notEqual(meta.softPurgedAt, undefined, 'it counts as fresh')
    }),
  ]
}

/** Which of a few entries are left after a purge, and how many it says that it has purged. */
async function afterPurge(scene: Scene, selector: PurgeSelector) {
  const paths = ['a/1', 'a/2', 'b/1']
  await scene.put(scene.key('a/1'), 'x', { variant: 'gzip' })
  await scene.put(scene.key('a/1'), 'x', { tags: [scene.tag('two')] })
  await scene.put(scene.key('a/2'), 'x', { tags: [scene.tag('one'), scene.tag('two')] })
  await scene.put(scene.key('b/1'), 'x', { tags: [scene.tag('one-more')] })
  const purged = await scene.purge(selector)
  const left = await Promise.all(paths.map(async (path) => (await scene.entries(scene.key(path))).length > 0))
  return { purged, left: paths.filter((_, at) => left[at]) }
}
