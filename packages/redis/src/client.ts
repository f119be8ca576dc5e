import { type Check, options } from '@gatelet/core'

/** A client of node-redis 5 or 6: what `createClient` returns. */
export interface NodeRedisClient extends Listened {
  readonly isReady: boolean
  sendCommand(args: readonly string[]): Promise<unknown>
}

/** A client of node-redis 5 or 6 for a cluster: what `createCluster` returns. */
export interface NodeRedisCluster extends Listened {
  readonly isOpen: boolean
  readonly masters: readonly unknown[]
  sendCommand(firstKey: string, isReadonly: boolean, args: string[]): Promise<unknown>
}

/** A client of ioredis 5 or 6 or of iovalkey: a `Redis` or a `Cluster`. */
export interface IoRedisClient extends Listened {
  readonly status: string
  call(command: string, ...args: string[]): Promise<unknown>
  evalsha(sha: string, keyCount: number, ...keysAndArgs: string[]): Promise<unknown>
  eval(script: string, keyCount: number, ...keysAndArgs: string[]): Promise<unknown>
}

interface Listened {
  on(event: 'error', listener: (error: Error) => void): unknown
  listenerCount(event: 'error'): number
}

/**
 * A client of Redis or Valkey, known by its shape: node-redis 5 and 6, ioredis 5 and 6, iovalkey, each for one server (or
 * Sentinel, or a proxy) and for a cluster.
 */
export type RedisClient = NodeRedisClient | NodeRedisCluster | IoRedisClient

// What the clients take beside texts. It is no part of their shape above: only replies of a cache are bytes.
interface BinaryNodeRedis {
  sendCommand(args: readonly (string | Buffer)[], options: typeof asBytes): Promise<unknown>
}

interface BinaryNodeRedisCluster {
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: readonly (string | Buffer)[],
    options: typeof asBytes,
  ): Promise<unknown>
}

interface BinaryIoRedis {
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>
}

/** What a store needs of a client. */
export interface Server {
  /** Whether a command would be sent now, not queued in the client until a connection is there. */
  isReady(): boolean
  /** Sends a command of one key, which stands behind its name. */
  send(command: string, key: string, args?: readonly string[]): Promise<unknown>
  /** The same with bytes among the arguments, and bytes as the answer where that is a text. */
  sendBytes(command: string, key: string, args: readonly (string | Buffer)[]): Promise<unknown>
  /** Runs a script by its hash. @param keys at least one; all of one slot */
  byHash(hash: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  /** Runs a script by its text, after which the server knows its hash. */
  byText(text: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
}

/** The client as what stores need of it. */
export function serverOf(client: RedisClient): Server {
  if ('evalsha' in client) return overIoRedis(client)
  return 'masters' in client ? overNodeRedisCluster(client) : overNodeRedis(client)
}

/** Whether keys of one script must be of one slot. */
export function isCluster(client: RedisClient): boolean {
  return 'masters' in client || ('isCluster' in client && client.isCluster === true)
}

/** A client, by its shape. @throws GatewayError `BAD_OPTION` */
export const redisClient: Check<RedisClient> = (value, path) => {
  const client = (typeof value === 'object' && value !== null ? value : {}) as Partial<NodeRedisClient & IoRedisClient>
  const isClient = [client.on, client.evalsha ?? client.sendCommand].every((method) => typeof method === 'function')
  if (!isClient) throw options.wrong(value, path, 'a client of node-redis, ioredis or iovalkey')
  return client as RedisClient
}

function overNodeRedis(client: NodeRedisClient): Server {
  const run = (command: string, script: string, keys: readonly string[], args: readonly string[]) =>
    client.sendCommand([command, script, String(keys.length), ...keys, ...args])
  return {
    isReady: () => client.isReady,
    send: (command, key, args = []) => client.sendCommand([command, key, ...args]),
    sendBytes: (command, key, args) => (client as BinaryNodeRedis).sendCommand([command, key, ...args], asBytes),
    byHash: (hash, keys, args) => run('EVALSHA', hash, keys, args),
    byText: (text, keys, args) => run('EVAL', text, keys, args),
  }
}

function overNodeRedisCluster(client: NodeRedisCluster): Server {
  const run = (command: string, script: string, keys: readonly string[], args: readonly string[]) =>
    client.sendCommand(keys[0] ?? '', false, [command, script, String(keys.length), ...keys, ...args])
  return {
    // Each node has a connection of its own: whether the right one is there shows when it is asked.
    isReady: () => client.isOpen,
    send: (command, key, args = []) => client.sendCommand(key, false, [command, key, ...args]),
    sendBytes: (command, key, args) =>
      (client as BinaryNodeRedisCluster).sendCommand(key, false, [command, key, ...args], asBytes),
    byHash: (hash, keys, args) => run('EVALSHA', hash, keys, args),
    byText: (text, keys, args) => run('EVAL', text, keys, args),
  }
}

function overIoRedis(client: IoRedisClient): Server {
  return {
    // 'wait': the first command makes it connect.
    isReady: () => client.status === 'ready' || client.status === 'wait',
    send: (command, key, args = []) => client.call(command, key, ...args),
    sendBytes: (command, key, args) => (client as unknown as BinaryIoRedis).callBuffer(command, key, ...args),
    byHash: (hash, keys, args) => client.evalsha(hash, keys.length, ...keys, ...args),
    byText: (text, keys, args) => client.eval(text, keys.length, ...keys, ...args),
  }
}

/** An answer of which a text is wanted: a client may be set up to answer with bytes. */
export const textOf = (answer: unknown): unknown => (Buffer.isBuffer(answer) ? answer.toString('utf8') : answer)

// `$`: the type of a text in the protocol of Redis.
const asBytes = { typeMapping: { [36]: Buffer } } as const
