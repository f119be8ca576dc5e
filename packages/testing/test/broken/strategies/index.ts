import type { StrategyFactory } from '@gatelet/core'
import type { StrategySuiteOptions } from '@gatelet/testing'
import { allocates } from './allocates.ts'
import { blamesForCancelled } from './blames-for-cancelled.ts'
import { dividesByWeights } from './divides-by-weights.ts'
import { drawsForEver } from './draws-for-ever.ts'
import { explainsNoNumber } from './explains-no-number.ts'
import { fallsBackByChance } from './falls-back-by-chance.ts'
import { givesUp } from './gives-up.ts'
import { hashesBadly } from './hashes-badly.ts'
import { hashesPlaces } from './hashes-places.ts'
import { ignoresRefusals } from './ignores-refusals.ts'
import { keepsWhoLeft } from './keeps-who-left.ts'
import { movesOnWhenExplaining } from './moves-on-when-explaining.ts'
import { needsAKey } from './needs-a-key.ts'
import { ownChance } from './own-chance.ts'
import { picksCopies } from './picks-copies.ts'
import { prefersTheBusy } from './prefers-the-busy.ts'
import { sortsInPlace } from './sorts-in-place.ts'
import { startsAgain } from './starts-again.ts'
import { throwsForStrangers } from './throws-for-strangers.ts'
import { throwsOnNothing } from './throws-on-nothing.ts'

/** A strategy with one mistake. */
export interface BrokenStrategy {
  readonly factory: StrategyFactory
  readonly options?: StrategySuiteOptions
  /** The case that is about its mistake, and what that says. Others may fail too. */
  readonly failsBy: string
  readonly saying: RegExp
}

export const brokenStrategies: Readonly<Record<string, BrokenStrategy>> = {
  ignoresRefusals: {
    factory: ignoresRefusals,
    failsBy: 'picks one that may be picked whenever there is one, whatever happens',
    saying: /picked e\d+, which may not be picked/,
  },
  givesUp: {
    factory: givesUp,
    failsBy: 'picks one that may be picked whenever there is one, whatever happens',
    saying: /seed 1, round \d+: nobody was picked/,
  },
  drawsForEver: {
    factory: drawsForEver,
    failsBy: 'asks about endpoints a bounded number of times',
    saying: /asked about a thousand endpoints more than ten thousand times/,
  },
  throwsOnNothing: { factory: throwsOnNothing, failsBy: 'picks nobody where there is nobody', saying: /no endpoints/ },
  keepsWhoLeft: {
    factory: keepsWhoLeft,
    failsBy: 'forgets an endpoint that left, and takes it back when it returns',
    saying: /id e0, which is none of the endpoints of the last update/,
  },
  picksCopies: {
    factory: picksCopies,
    failsBy: 'gives nothing to a weight of 0, and is not confused by it',
    saying: /id e1, which is none of the endpoints of the last update/,
  },
  dividesByWeights: {
    factory: dividesByWeights,
    failsBy: 'picks one that may be picked whenever there is one, whatever happens',
    saying: /nobody was picked/,
  },
  ownChance: {
    factory: ownChance,
    failsBy: 'takes time and chance from its environment alone',
    saying: /Math\.random was called/,
  },
  startsAgain: {
    factory: startsAgain,
    failsBy: 'is not changed by an update with the same endpoints',
    saying: /with updates with the same endpoints, pick \d+ went to e\d instead of e\d/,
  },
  sortsInPlace: { factory: sortsInPlace, failsBy: 'leaves the list that it is given alone', saying: /another order now/ },
  throwsForStrangers: {
    factory: throwsForStrangers,
    failsBy: 'is told of any outcome without throwing, also of an endpoint that left',
    saying: /who is e0\?/,
  },
  blamesForCancelled: {
    factory: blamesForCancelled,
    failsBy: 'learns nothing from an attempt that was cancelled',
    saying: /with cancelled attempts, pick/,
  },
  movesOnWhenExplaining: {
    factory: movesOnWhenExplaining,
    failsBy: 'explains without changing what it picks',
    saying: /with questions, pick 0 went/,
  },
  explainsNoNumber: {
    factory: explainsNoNumber,
    failsBy: 'explains each endpoint that may be picked, once, with a number',
    saying: /the score of e0 is NaN/,
  },
  allocates: {
    factory: allocates,
    options: { mayAllocate: false },
    failsBy: 'allocates nothing for a pick',
    saying: /bytes for a pick of 16 endpoints/,
  },
  prefersTheBusy: {
    factory: prefersTheBusy,
    options: { seesLoad: true },
    failsBy: 'picks the less busy of two',
    saying: /'e0' !== 'e1'/,
  },
  prefersTheBusyOfMany: {
    factory: prefersTheBusy,
    options: { seesLoad: true },
    failsBy: 'spreads requests that do not end',
    saying: /of 10 requests to as many endpoints one got 10/,
  },
  hashesPlaces: {
    factory: hashesPlaces,
    options: { hashes: true },
    failsBy: 'leaves nearly all keys where they are when another endpoint leaves',
    saying: /\d+ of \d+ keys of the others moved/,
  },
  hashesTheOrder: {
    factory: hashesPlaces,
    options: { hashes: true },
    failsBy: 'sends a key to the same endpoint, in any process and whatever the order of the list',
    saying: /\d+ of 5000 keys go elsewhere/,
  },
  hashesBadly: {
    factory: hashesBadly,
    options: { hashes: true },
    failsBy: 'spreads keys over the endpoints',
    saying: /of 5000 keys|no key/,
  },
  fallsBackByChance: {
    factory: fallsBackByChance,
    options: { hashes: true },
    failsBy: 'sends a key that is refused to the same next one each time',
    saying: /was sent to two endpoints when its first one refused/,
  },
  needsAKey: {
    factory: needsAKey,
    options: { hashes: true },
    failsBy: 'picks for a request without a key too',
    saying: /nobody was picked/,
  },
}
