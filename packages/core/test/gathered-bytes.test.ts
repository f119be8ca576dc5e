import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { bytesOf, GatheredBytes, PushSource } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('bytes in any chunks come out as they went in, and once', () => {
  const chunks = fc.array(fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ minLength: 2_000, maxLength: 2_000 })), {
    maxLength: 600,
  })
  fc.assert(
    fc.property(chunks, (list) => {
      const gathered = new GatheredBytes()
      for (const chunk of list) gathered.add(chunk)
      const whole = Buffer.concat(list)
      expect(gathered.size).toBe(whole.byteLength)
      expect(whole.equals(gathered.take())).toBe(true)
      expect([gathered.size, gathered.take().byteLength]).toEqual([0, 0])
    }),
    { seed: 70, numRuns: 100 },
  )
})

test('a body that comes a byte at a time is not held in the blocks that its bytes were cut from', async () => {
  const source = new PushSource({ pause() {}, resume() {}, cancel() {} })
  const whole = bytesOf(source, 1_000)
  let blocks = 0
  const registry = new FinalizationRegistry(() => void blocks++)
  for (let at = 0; at < 512; at++) {
    const block = new Uint8Array(65_536)
    registry.register(block.buffer, undefined)
    source.push(block.subarray(0, 1))
  }
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let turn = 0; turn < 200 && blocks < 256; turn++) {
    collect()
    await new Promise(setImmediate)
  }
  expect(blocks).toBeGreaterThanOrEqual(256)
  source.end()
  expect((await whole).byteLength).toBe(512)
})
