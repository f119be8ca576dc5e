import { leastRequests, random, roundRobin, twoChoices } from '@gatelet/balancer'
import { describeStrategy } from '@gatelet/testing'
import { describe, test } from 'vitest'

describeStrategy('twoChoices', twoChoices, { describe, test, seesLoad: true })
describeStrategy('leastRequests', leastRequests, { describe, test, seesLoad: true })
describeStrategy('roundRobin', roundRobin, { describe, test })
describeStrategy('random', random, { describe, test })
