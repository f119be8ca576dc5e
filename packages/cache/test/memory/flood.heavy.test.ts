import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { childProgram } from '../../../../test/child-program.ts'
import { nodeArgs } from '../../../../test/example-program.ts'

const TIMES = process.env['HEAVY_SHORT'] === '1' ? 50_000 : 1_000_000
const MAX_BYTES = 50_000_000

/** What a process says that was flooded; see flood.ts. In bytes. */
interface Flooded {
  readonly keys: number
  readonly counted: number
  /** What the heap and buffers hold beyond the start, after a collection; and once all is purged. */
  readonly used: number
  readonly left: number
  /** What the process has of the machine beyond the start: at the end, and at most. */
  readonly rss: number
  readonly peak: number
}

async function flooded(shape: string, times: number): Promise<Flooded> {
  const file = fileURLToPath(new URL('./flood.ts', import.meta.url))
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  await using program = childProgram(['--expose-gc', ...nodeArgs, file, shape, String(times), String(MAX_BYTES)], { cwd })
  const [said] = await program.printed(/^\{.*\}$/m)
  return JSON.parse(said)
}

test.each([
  ['URLs with small bodies', 'small', TIMES],
  ['URLs without bodies', 'empty', TIMES],
  ['variants of one URL', 'variants', TIMES],
  ['URLs that are looked at as well', 'hit', TIMES / 2],
  ['URLs with tags of their own', 'tagged', TIMES / 2],
  ['URLs with bodies of some size', 'page', TIMES / 20],
  ['URLs with large bodies', 'large', TIMES / 200],
])('a flood of %s takes no more memory than maxBytes', async (what, shape, times) => {
  const { keys, counted, used, left, rss, peak } = await flooded(shape, times)
  const shares = [used, rss, peak].map((bytes) => (bytes / MAX_BYTES).toFixed(2))
  // The last two are no bound of the store: they are what the collector lets lie before it looks, with empty bodies as well.
  console.log(`${times} ${what}: ${keys} kept; of maxBytes ${shares[0]} held, rss ${shares[1]} at the end, ${shares[2]} at most`)
  expect(counted).toBeLessThanOrEqual(MAX_BYTES)
  expect(used).toBeLessThanOrEqual(1.05 * MAX_BYTES)
  expect(left).toBeLessThan(0.05 * MAX_BYTES)
  if (shape === 'variants') expect([keys, counted < 100_000]).toEqual([1, true])
  else expect(counted).toBeGreaterThan(0.9 * MAX_BYTES)
})
