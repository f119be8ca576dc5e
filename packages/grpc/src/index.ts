export { grpc } from './grpc.ts'
export type { Status, StatusName } from './status.ts'
export { codeForHttp, httpStatusOf, statusNames } from './status.ts'
export { grpcWeb, grpcWebCors } from './web/grpc-web.ts'
