export type { KoaContext, KoaLayer, KoaOptions } from './koa.ts'
export { toKoa } from './koa.ts'
