import type { Layer } from '@gatelet/core'
import { type ServeOptions, serve } from '@gatelet/node'
import { type Express, expresses } from '../../../packages/express/test/expresses.ts'
import { starter as expressStarter } from '../../../packages/express/test/starter.ts'
import { koas } from '../../../packages/koa/test/koas.ts'
import { starter as koaStarter } from '../../../packages/koa/test/starter.ts'

/** What stands in front of the layers. */
export interface Front {
  readonly name: string
  /** The framework's own parser, router and errors come first there. */
  readonly isFramework: boolean
  start(layer: Layer, options?: ServeOptions): Promise<{ readonly port: number; close(): Promise<unknown> }>
}

/** A server of our own: what faces the internet. */
export const node: Front = {
  name: 'node',
  isFramework: false,
  async start(layer, options) {
    const server = await serve(layer, { port: 0, host: '127.0.0.1', ...options })
    return { port: server.port, close: () => server.close({ graceMs: 0 }) }
  },
}

const newest = <T>(list: readonly T[]) => list[list.length - 1] as T

/** The newest Express. */
export const express: Express = newest(expresses)[1]

/** The newest Express and the newest Koa. */
const frameworks: readonly Front[] = [
  { name: 'Express', isFramework: true, start: (layer) => expressStarter(express)({ layer }) },
  { name: 'Koa', isFramework: true, start: (layer) => koaStarter(newest(koas)[1])({ layer }) },
]

export const fronts: readonly Front[] = [node, ...frameworks]

/** The same where they take WebSocket handshakes: frameworks see none, so the layers are attached to their server. */
export const upgradingFronts: readonly Front[] = [
  node,
  { name: 'Express', isFramework: true, start: (layer) => expressStarter(express)({ layer, upgrades: true }) },
  { name: 'Koa', isFramework: true, start: (layer) => koaStarter(newest(koas)[1])({ layer, upgrades: true }) },
]
