import { firstAvailable, leastRequests, peakEwma, random, roundRobin, twoChoices } from '@gatelet/balancer'
import { describeStrategy } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { bounded, hashing } from './all.ts'

describeStrategy('twoChoices', twoChoices, { describe, test, seesLoad: true })
describeStrategy('leastRequests', leastRequests, { describe, test, seesLoad: true })
describeStrategy('peakEwma', peakEwma(), { describe, test, seesLoad: true })
describeStrategy('roundRobin', roundRobin, { describe, test })
describeStrategy('random', random, { describe, test })
describeStrategy('firstAvailable', firstAvailable, { describe, test })
// Without a key they are spread by two choices, and so see load.
for (const [name, factory] of [...hashing, ...bounded])
  describeStrategy(name, factory, { describe, test, hashes: true, seesLoad: true })
