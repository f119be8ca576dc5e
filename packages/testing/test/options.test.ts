import { GatewayError } from '@gatelet/core'
import {
  type CallOptions,
  type CallRequest,
  call,
  type ExchangeOptions,
  exchange,
  type Fault,
  type OriginsOptions,
  origins,
  type RawRequestOptions,
  rawRequest,
  type VirtualClockOptions,
  virtualClock,
} from '@gatelet/testing'
import { expect, test } from 'vitest'

// Wrong on purpose, as from a program in JavaScript.
const wrong = (value: unknown) => value as never

type Row<T> = [option: keyof T & string, value: unknown, path: string, right: RegExp]

async function expectRefusal(work: () => unknown, path: string, right: RegExp): Promise<void> {
  const error = await (async () => work())().then(
    () => 'nothing was refused',
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(GatewayError)
  expect(error).toMatchObject({ code: 'BAD_OPTION', path, message: expect.stringMatching(right) })
}

const originsRows: Row<OriginsOptions>[] = [
  ['handler', 7, 'handler', /a handler or a list of them/],
  ['handler', [() => {}, 7], 'handler[1]', /a function \(req, res, origin\)/],
  ['upgrade', true, 'upgrade', /a function \(req, socket, head, origin\)/],
  ['clock', Date, 'clock', /a clock, with now, date, random and setTimer/],
  ['keepRequests', 0, 'keepRequests', /a whole number from 1 to 1000000/],
  ['keepBodyBytes', -1, 'keepBodyBytes', /a whole number of bytes from 0/],
]

test.each(originsRows)('origins refuses a wrong %s (%j)', (option, value, path, right) =>
  expectRefusal(() => origins(1, { [option]: wrong(value) }), path, right),
)

test.each([0, 1.5, 1001])('origins refuses to start %d servers', (n) =>
  expectRefusal(() => origins(n), 'n', /origins: n must be a whole number from 1 to 1000/),
)

const faultRows: [fault: object, path: string, right: RegExp][] = [
  [{ kind: 'stats' }, 'fault.kind', /"status", "hang-before-headers".* or "slow-reader"/],
  [{}, 'fault.kind', /"status"/],
  [{ kind: 'status' }, 'fault.status', /from 200 to 999/],
  [{ kind: 'status', status: 100 }, 'fault.status', /from 200 to 999/],
  [{ kind: 'status', status: 500, headers: { 'x y': '1' } }, 'fault.headers', /headers that HTTP allows/],
  [{ kind: 'status', status: 500, headers: { x: 1 } }, 'fault.headers.x', /a string/],
  [{ kind: 'status', status: 500, body: 1 }, 'fault.body', /a string/],
  [{ kind: 'status', status: 500, ms: 1 }, 'fault.ms', /is not an option/],
  [{ kind: 'hang-before-headers', times: 0 }, 'fault.times', /from 1/],
  [{ kind: 'reset-mid-body', sentBytes: -1 }, 'fault.sentBytes', /a whole number of bytes from 0/],
  [{ kind: 'close-mid-body', chunked: 'yes' }, 'fault.chunked', /true or false/],
  [{ kind: 'delay', ms: Number.NaN }, 'fault.ms', /milliseconds from 0/],
  [{ kind: 'close-after-reply', afterMs: -1 }, 'fault.afterMs', /milliseconds from 0/],
  [{ kind: 'refuse', times: 1 }, 'fault.times', /is not an option/],
]

test.each(faultRows)('an origin refuses the fault %j at the line that sets it', async (fault, path, right) => {
  await using farm = await origins(1)
  await expectRefusal(
    () => {
      farm.servers[0]!.fault = fault as Fault
    },
    path,
    right,
  )
  expect(farm.servers[0]?.fault).toBeUndefined()
})

const clockRows: Row<VirtualClockOptions>[] = [
  ['now', '0', 'now', /a number/],
  ['date', Number.NaN, 'date', /a number/],
  ['seed', Number.POSITIVE_INFINITY, 'seed', /a number/],
]

test.each(clockRows)('virtualClock refuses a wrong %s (%j)', (option, value, path, right) =>
  expectRefusal(() => virtualClock({ [option]: wrong(value) }), path, right),
)

const requestRows: Row<CallRequest>[] = [
  ['method', '', 'method', /a string that is not empty/],
  ['url', 7, 'url', /a string that is not empty/],
  ['headers', 'x: 1', 'headers', /a list of pairs or an object/],
  ['body', { a: 1 }, 'body', /use json for values/],
  ['json', () => {}, 'json', /a value that JSON has/],
  ['client', 7, 'client', /an address, or an object/],
  ['client', { adress: '::1' }, 'client.adress', /did you mean address/],
  ['kind', 'socket', 'kind', /"request" or "upgrade"/],
  ['protocol', '3', 'protocol', /"1.0", "1.1" or "2"/],
  ['paths', { doubleSlash: 1 }, 'paths.doubleSlash', /true or false/],
]

test.each(requestRows)('a request refuses a wrong %s (%j)', (option, value, path, right) =>
  expectRefusal(() => exchange({ [option]: wrong(value) }), path, right),
)

test('a request refuses two bodies', () =>
  expectRefusal(() => exchange({ body: 'x', json: 1 }), 'json', /left out where there is a body/))

const exchangeRows: Row<ExchangeOptions>[] = [
  ['clock', {}, 'clock', /a clock, with now, date, random and setTimer/],
  ['state', 'ada', 'state', /an object/],
]

test.each(exchangeRows)('exchange refuses a wrong %s (%j)', (option, value, path, right) =>
  expectRefusal(() => exchange('/', { [option]: wrong(value) }), path, right),
)

const callRows: Row<CallOptions>[] = [
  ['clock', {}, 'clock', /a clock, with now, date, random and setTimer/],
  ['state', 'ada', 'state', /an object/],
  ['next', {}, 'next', /a handler/],
]

test.each(callRows)('call refuses a wrong %s (%j)', (option, value, path, right) =>
  expectRefusal(() => call(() => wrong(undefined), '/', { [option]: wrong(value) }), path, right),
)

const rawRows: Row<RawRequestOptions>[] = [
  ['responses', 0, 'responses', /a whole number from 1 to 10000/],
  ['silenceMs', 0, 'silenceMs', /milliseconds from 1/],
  ['end', 'yes', 'end', /true or false/],
]

test.each(rawRows)('rawRequest refuses a wrong %s (%j)', (option, value, path, right) =>
  expectRefusal(() => rawRequest(1, '', { [option]: wrong(value) }), path, right),
)
