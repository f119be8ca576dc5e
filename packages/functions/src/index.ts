export type { AzureFunctionOptions } from './http/azure-function.ts'
export { azureFunction } from './http/azure-function.ts'
export type { CloudEventOptions } from './http/cloud-event.ts'
export { cloudEvent } from './http/cloud-event.ts'
export type { GoogleFunctionOptions } from './http/google-function.ts'
export { googleFunction } from './http/google-function.ts'
export type { OpenFaasOptions } from './http/open-faas.ts'
export { openFaas } from './http/open-faas.ts'
export type { LambdaClientCertificate } from './lambda/client-certificate.ts'
export type {
  LambdaClientEvent,
  LambdaClientInput,
  LambdaClientLike,
  LambdaClientOptions,
  LambdaClientOutput,
  LambdaClientStream,
} from './lambda/client-invoker.ts'
export { lambdaClient } from './lambda/client-invoker.ts'
export type { LambdaEventAlb } from './lambda/event-alb.ts'
export type { LambdaEventV1 } from './lambda/event-v1.ts'
export type { LambdaEventV2 } from './lambda/event-v2.ts'
export type { LambdaHttpOptions } from './lambda/http-invoker.ts'
export { lambdaHttp } from './lambda/http-invoker.ts'
export type { LambdaInvocation, LambdaInvoker } from './lambda/invoker.ts'
export { lambda } from './lambda/lambda.ts'
export type { LambdaContext, LambdaFunction, LambdaLocalOptions } from './lambda/local-invoker.ts'
export { lambdaLocal } from './lambda/local-invoker.ts'
export type { LambdaApi, LambdaOptions, LambdaPayload } from './lambda/options.ts'
export type { NodeFunction } from './node/node-function.ts'
export { nodeFunction } from './node/node-function.ts'
