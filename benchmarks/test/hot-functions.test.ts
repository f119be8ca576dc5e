import { expect, test } from 'vitest'
import { type CpuProfile, hotFunctions, hotPackages } from '../hot-functions.ts'

const frame = (id: number, functionName: string, url = '', lineNumber = -1) => ({
  id,
  callFrame: { functionName, url, lineNumber },
})

// Samples of 10 µs each, the first one before the load.
const profile: CpuProfile = {
  startTime: 1_000,
  nodes: [
    frame(1, '(idle)'),
    frame(2, '(garbage collector)'),
    frame(3, 'writev'),
    frame(4, 'dispatch', 'file:///app/node_modules/.pnpm/undici@7.30.2/node_modules/undici/lib/core/request.js', 41),
    frame(5, '', 'file:///app/packages/core/dist/index.js', 6),
    frame(6, 'emit', 'node:events', 470),
  ],
  samples: [4, 3, 3, 4, 5, 6, 1, 1, 2, 3],
  timeDeltas: [10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
}

test('gives each function its share of the time under load that was not idle', () => {
  expect(hotFunctions(profile, 1_015, 1_095)).toEqual([
    { name: 'writev', share: 2 / 6 },
    { name: 'dispatch undici/lib/core/request.js:42', share: 1 / 6 },
    { name: '(anonymous) @gatelet/core/index.js:7', share: 1 / 6 },
    { name: 'emit node:events:471', share: 1 / 6 },
    { name: '(garbage collector)', share: 1 / 6 },
  ])
})

test('adds up what a package takes', () => {
  expect(hotPackages(profile, 1_000, 1_100)).toEqual([
    { name: 'native functions', share: 3 / 8 },
    { name: 'undici', share: 2 / 8 },
    { name: '@gatelet/core', share: 1 / 8 },
    { name: 'node', share: 1 / 8 },
    { name: '(garbage collector)', share: 1 / 8 },
  ])
})
