import type { RedisClient } from '@gatelet/redis'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey'
import { createClient, createCluster } from 'redis'
import { createClient as createClient5, createCluster as createCluster5 } from 'redis5'

/** A client that a test closes. */
export interface OpenClient extends AsyncDisposable {
  readonly client: RedisClient
}

/** Each client by its name, for one server. */
export const clients: readonly (readonly [name: string, open: (url: string) => Promise<OpenClient>])[] = [
  ['node-redis 6', (url) => connected(createClient({ url }))],
  ['node-redis 5', (url) => connected(createClient5({ url }))],
  ['ioredis 6', (url) => readied(new Redis(url))],
  ['ioredis 5', (url) => readied(new Redis5(url))],
  ['iovalkey', (url) => readied(new Valkey(url))],
]

/** Each client by its name, for a cluster. */
export const clusterClients: readonly (readonly [name: string, open: (urls: string[]) => Promise<OpenClient>])[] = [
  ['node-redis 6', (urls) => connected(createCluster({ rootNodes: urls.map((url) => ({ url })) }))],
  ['node-redis 5', (urls) => connected(createCluster5({ rootNodes: urls.map((url) => ({ url })) }))],
  ['ioredis 6', (urls) => readied(new Cluster(urls))],
  ['ioredis 5', (urls) => readied(new Cluster5(urls))],
  ['iovalkey', (urls) => readied(new ValkeyCluster(urls))],
]

/** A client of node-redis, connected. */
export async function connected<C extends RedisClient & { connect(): Promise<unknown>; destroy(): void }>(
  client: C,
): Promise<OpenClient & { readonly client: C }> {
  await client.connect()
  return { client, [Symbol.asyncDispose]: async () => client.destroy() }
}

/** A client of ioredis or iovalkey, which connects by itself. */
export async function readied<
  C extends RedisClient & { once(event: 'ready', listener: () => void): unknown; disconnect(): void },
>(client: C): Promise<OpenClient & { readonly client: C }> {
  await new Promise<void>((resolve) => client.once('ready', resolve))
  return { client, [Symbol.asyncDispose]: async () => client.disconnect() }
}
