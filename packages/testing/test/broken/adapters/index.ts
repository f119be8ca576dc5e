import type { ParserKind, StartAdapter } from '@gatelet/testing'
import { asksWithTheOldRequest } from './asks-with-the-old-request.ts'
import { buffersStreams } from './buffers-streams.ts'
import { dropsTrailers } from './drops-trailers.ts'
import { endsWhatFails } from './ends-what-fails.ts'
import { foldsCookies } from './folds-cookies.ts'
import { ignoresBackPressure } from './ignores-back-pressure.ts'
import { keepsOldHeaders } from './keeps-old-headers.ts'
import { keepsStreamsOpen } from './keeps-streams-open.ts'
import { losesParsedBodies } from './loses-parsed-bodies.ts'
import { matchesBeginnings } from './matches-beginnings.ts'
import { neverHasNoBody } from './never-has-no-body.ts'
import { readsAllBeforeAnswering } from './reads-all-before-answering.ts'
import { saysNoHints } from './says-no-hints.ts'
import { takesNoHandshakes } from './takes-no-handshakes.ts'
import { tellsErrors } from './tells-errors.ts'
import { tellsNobodyOfLeaving } from './tells-nobody-of-leaving.ts'
import { trustsEverybody } from './trusts-everybody.ts'
import { waitsForTheFirstByte } from './waits-for-the-first-byte.ts'

/** An adapter with one mistake. */
export interface BrokenAdapter {
  readonly start: StartAdapter
  readonly parsers?: readonly ParserKind[]
  /** The case that is about its mistake, and what that says. Others may fail too. */
  readonly failsBy: string
  readonly saying: RegExp
}

export const brokenAdapters: Readonly<Record<string, BrokenAdapter>> = {
  trustsEverybody: {
    start: trustsEverybody,
    failsBy: 'shows the peer as the client, whatever the client says about itself',
    saying: /192\.0\.2\.1/,
  },
  neverHasNoBody: { start: neverHasNoBody, failsBy: 'has no body where none was sent', saying: /'false'/ },
  foldsCookies: { start: foldsCookies, failsBy: 'sends several Set-Cookie, a line for each', saying: /a=1; Path=\/, b=2, 3/ },
  tellsErrors: {
    start: tellsErrors,
    failsBy: 'makes a problem of whatever else is thrown, and tells nothing of it',
    saying: /secret|not valid JSON/,
  },
  keepsStreamsOpen: {
    start: keepsStreamsOpen,
    failsBy: 'sends a HEAD the head alone',
    saying: /a stream that nobody gets goes on/,
  },
  buffersStreams: { start: buffersStreams, failsBy: 'sends a stream as it comes', saying: /no "first" came/ },
  waitsForTheFirstByte: {
    start: waitsForTheFirstByte,
    failsBy: 'sends the head of a stream that is silent for now',
    saying: /instead: nothing/,
  },
  dropsTrailers: { start: dropsTrailers, failsBy: 'sends trailers behind a stream', saying: /no "x-sum: 42/ },
  ignoresBackPressure: {
    start: ignoresBackPressure,
    failsBy: 'sends many megabytes unchanged, at the pace of the client',
    saying: /all of it was made though the client takes nothing/,
  },
  endsWhatFails: {
    start: endsWhatFails,
    failsBy: 'breaks off a stream that fails in the middle',
    saying: /has not left|finished 200|was told that this was all/,
  },
  tellsNobodyOfLeaving: {
    start: tellsNobodyOfLeaving,
    failsBy: 'tells once how an exchange has ended, and with which status',
    saying: /'finished 201'/,
  },
  asksWithTheOldRequest: {
    start: asksWithTheOldRequest,
    failsBy: 'asks what stands behind with what layers have changed of the request',
    saying: /\/one\?q=1/,
  },
  keepsOldHeaders: {
    start: keepsOldHeaders,
    failsBy: 'sends another reply in the place of that answer, and nothing of it',
    saying: /'yes'/,
  },
  readsAllBeforeAnswering: {
    start: readsAllBeforeAnswering,
    failsBy: 'holds a bounded part of a stream from behind while the layer has not answered',
    saying: /of 100 blocks of 64 KiB were taken before the layer had answered/,
  },
  matchesBeginnings: { start: matchesBeginnings, failsBy: 'sees nothing of what lies beside its path', saying: /\/mm/ },
  saysNoHints: { start: saysNoHints, failsBy: 'sends early hints before the reply', saying: /200 OK/ },
  takesNoHandshakes: { start: takesNoHandshakes, failsBy: 'shows layers that it is a handshake', saying: /upgrade \/chat null/ },
  losesParsedBodies: {
    start: losesParsedBodies,
    parsers: ['json'],
    failsBy: 'sends on JSON that a parser has read',
    saying: /the framing is that of another body/,
  },
}
