import { describeStrategy } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { bounded, everyStrategy, hashing } from './all.ts'

const hashes = new Set([...hashing, ...bounded].map(([name]) => name))
const blind = new Set(['round-robin', 'random', 'first-available'])

// Without a key, those that hash are spread by two choices, and so see load.
for (const [name, factory] of everyStrategy)
  describeStrategy(name, factory, { describe, test, hashes: hashes.has(name), seesLoad: !blind.has(name) })
