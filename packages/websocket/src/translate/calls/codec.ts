import type { Context, Reply } from '@gatelet/core'
import type { Frame } from '../frame.ts'

/** A request on its way to become a message. */
export interface CallRequest {
  readonly body: Uint8Array
  /** Its method, url, headers and state; the body was read already. */
  readonly context: Context
}

/** Which call a message answers; undefined when it answers none. `more`: others follow for the same call. */
export type Match = string | { readonly id: string; readonly more: boolean } | undefined

/** A message that asks, and what is to be known about it. A codec that needs no more gives the message alone. */
export interface OutgoingCall {
  readonly frame: Frame
  /** What the client gets for the one message that answers. Default: 200 with the message as it is. */
  answer?(frame: Frame): Reply
  /** What the client gets for one of several messages, one line of text. Default: the message; bytes in base64, as JSON. */
  item?(frame: Frame): string
  /** Sent when nobody waits for the answer any more. Default: nothing is. */
  readonly cancel?: Frame
  /** For what no message answers: what the client gets as soon as it is sent. */
  sent?(): Reply
  /** Whether it may be sent again when the connection is lost. Default: what the option `idempotent` says. */
  readonly isIdempotent?: boolean
}

/** How requests become messages, and how messages are known for answers. */
export interface CallCodec {
  /**
   * Makes a message of a request, or a reply where none is to be sent.
   * @param id of this call, which the answer must bring back; ours, so that no client can take another one's answer
   * @throws GatewayError for a request that is not right (`INVALID_REQUEST`, `MALFORMED_BODY`)
   */
  encode(request: CallRequest, id: string): Frame | OutgoingCall | Reply
  /** What it throws counts as a message that cannot be read. */
  match(frame: Frame): Match
}
