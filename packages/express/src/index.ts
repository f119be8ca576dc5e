export type { ExpressLayer, ExpressOptions } from './express.ts'
export { toExpress } from './express.ts'
