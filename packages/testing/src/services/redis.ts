import { setTimeout as delay } from 'node:timers/promises'
import { findProgram } from '../programs.ts'
import { type RedisReply, redisCommand } from './redis-wire.ts'
import { freePort, type RunningProgram, startProgram } from './running-program.ts'

/** How a Redis server is started. */
export interface RedisInit {
  /** `redis-server`, or `valkey-server`. Default: `redis-server`. */
  readonly program?: 'redis-server' | 'valkey-server'
  /** More arguments: `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[]
  /** Default: one that is free. */
  readonly port?: number
}

/** A Redis server that runs for a test. It keeps nothing on disk. */
export interface RunningRedis extends RunningProgram {
  /** Sends one command on a connection of its own. @throws Error with what Redis says, for an error */
  command(...args: readonly string[]): Promise<RedisReply>
  /** Starts it on the same port again, empty, after `close`. */
  start(): Promise<void>
}

/**
 * Starts Redis for a test.
 * @throws Error with what it says when it does not start
 * @example await using redis = await startRedis()
 */
export async function startRedis({ program = 'redis-server', args = [], port }: RedisInit = {}): Promise<RunningRedis> {
  const start = (at?: number) =>
    startProgram({
      program: findProgram(program) ?? program,
      args: (own, folder) => [...`--port ${own} --bind 127.0.0.1 --dir ${folder}`.split(' '), '--save', '', ...args],
      ...(at === undefined ? {} : { port: at }),
    })
  let running = await start(port)
  const close = () => running.close()
  return {
    url: `redis://127.0.0.1:${running.port}`,
    port: running.port,
    command: (...command) => redisCommand(running.port, command),
    signal: (signal) => running.signal(signal),
    async start() {
      running = await start(running.port)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A Redis Cluster that runs for a test. `await using` ends it. */
export interface RunningRedisCluster extends AsyncDisposable {
  /** Its masters, each with a third of the slots. */
  readonly nodes: readonly RunningRedis[]
  close(): Promise<void>
}

/**
 * Starts a Redis Cluster of three masters without replicas, and waits until all of them know all of it.
 * @throws Error with what a server says when it does not start
 */
export async function startRedisCluster({ program = 'redis-server' }: RedisInit = {}): Promise<RunningRedisCluster> {
  const nodes: RunningRedis[] = []
  const close = async () => {
    await Promise.all(nodes.map((node) => node.close()))
  }
  try {
    while (nodes.length < thirds.length) {
      const busPort = String(await freePort())
      const args = ['--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', '5000']
      nodes.push(await startRedis({ program, args }))
      await joined(nodes, busPort)
    }
    for (const node of nodes) await isWhole(node)
  } catch (error) {
    await close()
    throw error
  }
  return { nodes, close, [Symbol.asyncDispose]: close }
}

const thirds = [
  ['0', '5460'],
  ['5461', '10922'],
  ['10923', '16383'],
] as const

/** Gives the newest node its third of the slots, and makes it known to the first one, which tells the others. */
async function joined(nodes: readonly RunningRedis[], busPort: string): Promise<void> {
  const node = nodes.at(-1) as RunningRedis
  await node.command('CLUSTER', 'ADDSLOTSRANGE', ...(thirds[nodes.length - 1] ?? []))
  await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(nodes.length))
  if (node !== nodes[0]) await nodes[0]?.command('CLUSTER', 'MEET', '127.0.0.1', String(node.port), busPort)
}

async function isWhole(node: RunningRedis): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    const info = String(await node.command('CLUSTER', 'INFO'))
    if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3') && info.includes('cluster_size:3')) return
    await delay(20)
  }
  throw new Error('the nodes of the cluster do not find each other')
}
