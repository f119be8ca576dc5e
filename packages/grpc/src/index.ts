export type { Status, StatusName } from './status.ts'
export { codeForHttp, httpStatusOf, statusNames } from './status.ts'
