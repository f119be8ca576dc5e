import type { MakeLayer, MiddlewareSuiteOptions } from '@gatelet/testing'
import { addsHeadersLate } from './adds-headers-late.ts'
import { answersNothing } from './answers-nothing.ts'
import { asksBeforeItRefuses } from './asks-before-it-refuses.ts'
import { asksTwice } from './asks-twice.ts'
import { dropsBodies } from './drops-bodies.ts'
import { dropsUpgrades } from './drops-upgrades.ts'
import { forgetsItsState } from './forgets-its-state.ts'
import { guardsGetOnly } from './guards-get-only.ts'
import { guardsRequestsOnly } from './guards-requests-only.ts'
import { ignoresBackPressure } from './ignores-back-pressure.ts'
import { keepsStreamsOpen } from './keeps-streams-open.ts'
import { leavesTimers } from './leaves-timers.ts'
import { locksForEver } from './locks-for-ever.ts'
import { readsUploads } from './reads-uploads.ts'
import { readsWholeReplies } from './reads-whole-replies.ts'
import { replacesTheState } from './replaces-the-state.ts'
import { sharesAVariable } from './shares-a-variable.ts'
import { spreadsTheContext } from './spreads-the-context.ts'
import { swallowsErrors } from './swallows-errors.ts'
import { takesAnyOption } from './takes-any-option.ts'
import { waitsForATimer } from './waits-for-a-timer.ts'
import { wrapsErrors } from './wraps-errors.ts'

/** A layer with one mistake. */
export interface BrokenMiddleware {
  readonly make: MakeLayer<{}>
  readonly options?: MiddlewareSuiteOptions
  /** The case that is about its mistake, and what that says. Others may fail too. */
  readonly failsBy: string
  readonly saying: RegExp
}

const guarded = { passes: { headers: { 'x-key': '1' } }, refuses: 'GET /' }

export const brokenMiddleware: Readonly<Record<string, BrokenMiddleware>> = {
  answersNothing: {
    make: () => answersNothing,
    failsBy: 'lets a request through, and hands on the reply',
    saying: /500 !== 201/,
  },
  asksTwice: { make: () => asksTwice, failsBy: 'asks next once', saying: /next was asked 2 times for one request/ },
  spreadsTheContext: {
    make: () => spreadsTheContext,
    failsBy: 'asks next within the same exchange',
    saying: /does not hear that the client left/,
  },
  dropsUpgrades: {
    make: () => dropsUpgrades,
    failsBy: 'lets a handshake through, with the upgrade that was agreed to',
    saying: /has no upgrade any more/,
  },
  asksBeforeItRefuses: {
    make: () => asksBeforeItRefuses,
    options: guarded,
    failsBy: 'answers what it refuses by itself, without asking next',
    saying: /next was asked for what is to be refused/,
  },
  guardsGetOnly: {
    make: () => guardsGetOnly,
    options: guarded,
    failsBy: 'refuses a HEAD as it refuses a GET',
    saying: /next was asked for what is to be refused/,
  },
  guardsRequestsOnly: {
    make: () => guardsRequestsOnly,
    options: guarded,
    failsBy: 'refuses a handshake as it refuses a request',
    saying: /next was asked for what is to be refused/,
  },
  swallowsErrors: {
    make: () => swallowsErrors,
    failsBy: 'lets through what next throws later',
    saying: /the error of next became a reply/,
  },
  wrapsErrors: {
    make: () => wrapsErrors,
    failsBy: 'lets through what next throws at once',
    saying: /another error came out: Error: something failed/,
  },
  addsHeadersLate: {
    make: () => addsHeadersLate,
    failsBy: 'changes nothing once it has answered',
    saying: /the head has changed after it was handed on/,
  },
  dropsBodies: {
    make: () => dropsBodies,
    failsBy: 'reads or ends every body that it is given',
    saying: /the body of a 500 to a GET was neither read nor ended/,
  },
  readsWholeReplies: {
    make: () => readsWholeReplies,
    failsBy: 'hands on a stream as it comes',
    saying: /the layer has not answered/,
  },
  ignoresBackPressure: {
    make: () => ignoresBackPressure,
    failsBy: 'keeps the back-pressure of a stream',
    saying: /16 MiB were taken though the reader takes nothing/,
  },
  keepsStreamsOpen: {
    make: () => keepsStreamsOpen,
    failsBy: 'ends a stream whose client leaves',
    saying: /who makes the body was not told/,
  },
  readsUploads: {
    make: () => readsUploads,
    failsBy: 'leaves the body of a request to next',
    saying: /the layer has not answered/,
  },
  sharesAVariable: {
    make: () => sharesAVariable(),
    failsBy: 'keeps requests apart that are asked at the same time',
    saying: /the replies went to the wrong requests/,
  },
  forgetsItsState: {
    make: () => forgetsItsState,
    options: { adds: ['caller'] },
    failsBy: 'adds caller to the state',
    saying: /state\.caller is missing/,
  },
  replacesTheState: {
    make: () => replacesTheState,
    options: { adds: ['caller'] },
    failsBy: 'keeps what earlier layers learned',
    saying: /state\.learnedBefore is not what it was/,
  },
  waitsForATimer: {
    make: ({ clock }) => waitsForATimer(clock),
    failsBy: 'is done when the client leaves before next has answered',
    saying: /the layer has not answered/,
  },
  leavesTimers: { make: ({ clock }) => leavesTimers(clock), failsBy: 'leaves no timer behind', saying: /2 !== 0|still wait/ },
  locksForEver: {
    make: () => locksForEver(),
    failsBy: 'can still be asked after next has failed',
    saying: /503 !== 201/,
  },
  takesAnyOption: {
    make: () => takesAnyOption({ header: 'x-seen' }),
    options: { mistakes: { 'a header that is none': () => takesAnyOption({ header: 'a b' }) } },
    failsBy: 'stops the start for a header that is none',
    saying: /Missing expected exception/,
  },
}
