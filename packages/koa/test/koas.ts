import Koa3 from 'koa'
import Koa2 from 'koa2'

/** The two versions that are in use. What these tests need of them has the same type in both. */
export type KoaClass = typeof Koa3

export const koas: readonly (readonly [name: string, Koa: KoaClass])[] = [
  ['Koa 2', Koa2 as unknown as KoaClass],
  ['Koa 3', Koa3],
]
