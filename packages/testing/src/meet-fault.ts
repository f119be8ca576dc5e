import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@gatelet/core'
import { breakOff } from './break-off.ts'
import type { Fault, PartOfBody } from './fault.ts'
import { whole } from './tell-who.ts'

/** One request that meets a fault. */
export interface Meeting {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly clock: Clock
  /** Answers as if there were no fault. */
  proceed(): void
  /** Keeps `task` until `release()`, or forgets it when the connection goes. @returns its undo */
  hold(task: () => void): () => void
  /** Goes on reading the body, though nobody asks for it yet. */
  readAhead(): void
}

/** Lets the fault happen to one request. */
export function meetFault(fault: Fault | undefined, meeting: Meeting): void {
  if (!fault) meeting.proceed()
  // Its own kind chose the function, which TypeScript cannot follow.
  else (acts[fault.kind] as (fault: Fault, meeting: Meeting) => void)(fault, meeting)
}

const acts: { [K in Fault['kind']]: (fault: Extract<Fault, { kind: K }>, meeting: Meeting) => void } = {
  status({ status, headers = {}, body = '' }, { req, res }) {
    whole(req, () => void res.writeHead(status, headers).end(body))
  },
  'hang-before-headers': (_, meeting) => delayed(meeting, undefined),
  delay: ({ ms }, meeting) => delayed(meeting, ms),
  'reset-before-headers': (_, { req }) => void req.socket.resetAndDestroy(),
  'hang-mid-body': (fault, meeting) =>
    partOfBody(fault, meeting, () => void meeting.hold(() => void meeting.res.end(filler(PROMISED)))),
  'reset-mid-body': (fault, meeting) => partOfBody(fault, meeting, () => void breakOff(meeting.req.socket)),
  'close-mid-body': (fault, meeting) => partOfBody(fault, meeting, () => void meeting.req.socket.destroy()),
  'close-after-reply'({ afterMs = 0 }, meeting) {
    closeAfterReply(meeting, afterMs)
    meeting.proceed()
  },
  'close-on-reuse': (_, { req }) => void req.socket.destroy(),
  'slow-reader': (_, { hold, proceed }) => void hold(proceed),
  // Who is not refused was connected before.
  refuse: (_, { proceed }) => proceed(),
}

function delayed({ clock, hold, proceed, readAhead, res }: Meeting, ms: number | undefined): void {
  readAhead()
  let cancel = () => {}
  const letGo = hold(() => {
    cancel()
    proceed()
  })
  if (ms === undefined) return
  cancel = clock.setTimer(() => {
    letGo()
    proceed()
  }, ms)
  res.on('close', cancel)
}

function closeAfterReply({ req: { socket }, res, clock }: Meeting, afterMs: number): void {
  res.on('finish', () => {
    if (afterMs === 0) return void socket.destroy()
    // The first reply has set the time already.
    if (doomed.has(socket)) return
    doomed.add(socket)
    socket.once(
      'close',
      clock.setTimer(() => socket.destroy(), afterMs),
    )
  })
}

const doomed = new WeakSet<Socket>()

// More is promised than is sent before the fault.
const PROMISED = 1024

const filler = (bytes: number) => Buffer.alloc(bytes, 'x')

function partOfBody({ sentBytes = 1024, chunked }: PartOfBody, { req, res }: Meeting, then: () => void): void {
  whole(req, () => {
    res.writeHead(200, chunked ? {} : { 'content-length': sentBytes + PROMISED })
    res.flushHeaders()
    // The head is on its way when the next turn begins.
    if (sentBytes > 0) res.write(filler(sentBytes), then)
    else setImmediate(then)
  })
}
