/** One call of a function. */
export interface LambdaInvocation {
  /** The event, as JSON. */
  readonly payload: Uint8Array
  /** Aborts when nobody wants the answer any more: the client left, or the time is over. */
  readonly signal: AbortSignal
  /** The longest answer that is taken, in bytes. */
  readonly maxBytes: number
  /** How long the function may take, in milliseconds. */
  readonly timeoutMs: number
}

/** How a function is reached: see `lambdaHttp`, `lambdaClient` and `lambdaLocal`. */
export interface LambdaInvoker {
  /**
   * Calls the function and waits for the whole answer.
   * @returns what it returned, as JSON
   * @throws GatewayError `FUNCTION_FAILED`, `FUNCTION_BUSY`, `BODY_TOO_LARGE`, `RESPONSE_TOO_LARGE`, `UPSTREAM_CONNECT_FAILED`,
   * `UPSTREAM_BAD_RESPONSE`
   */
  invoke(call: LambdaInvocation): Promise<Uint8Array>
  /**
   * Calls the function and hands on the answer as it is made. What it throws on the way breaks the answer off.
   * @throws GatewayError as `invoke`
   */
  stream?(call: LambdaInvocation): Promise<AsyncIterable<Uint8Array>>
}
