/** What is asked of a connection from elsewhere. Plain values, fit for JSON. */
export interface ConnectionOrder {
  readonly do: 'send' | 'look' | 'close'
  readonly connectionId: string
  /** The message, for `send`. */
  readonly data?: string
  /** Whether `data` is base64 of bytes. */
  readonly isBinary?: boolean
}

/** What came of an order. `gone`: no such connection. `busy`: too much waits for that client. `large`: the message is too long. */
export interface ConnectionAnswer {
  readonly result: 'done' | 'gone' | 'busy' | 'large'
  /** For `look`. */
  readonly about?: ConnectionInfo
}

/** What is known of a connection. */
export interface ConnectionInfo {
  /** Of this and the next, ISO 8601. */
  readonly connectedAt: string
  readonly lastActiveAt: string
  readonly identity: { readonly sourceIp: string; readonly userAgent?: string }
}

/** Carries out orders for the connections of one process. Never rejects. */
export type OrderTaker = (order: ConnectionOrder) => Promise<ConnectionAnswer>

/** How processes reach each other's connections. The id of a connection begins with its process's name. */
export interface ConnectionBus {
  /**
   * From now on, orders for the connections of `node` go to `take`.
   * @returns its end
   */
  serve(node: string, take: OrderTaker): Promise<() => Promise<void>>
  /**
   * Sends an order to a process.
   * @returns undefined where no process has this name (any more)
   * @throws GatewayError `STORE_UNAVAILABLE`, `STORE_TIMEOUT`, `QUEUE_FULL`
   */
  ask(node: string, order: ConnectionOrder): Promise<ConnectionAnswer | undefined>
}

/** Reaches connections of several APIs in one process. */
export function memoryConnectionBus(): ConnectionBus {
  const takers = new Map<string, OrderTaker>()
  return {
    async serve(node, take) {
      takers.set(node, take)
      return async () => void takers.delete(node)
    },
    ask: async (node, order) => takers.get(node)?.(order),
  }
}
