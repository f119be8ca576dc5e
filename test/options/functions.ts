import {
  azureFunction,
  cloudEvent,
  googleFunction,
  type LambdaOptions,
  lambda,
  lambdaClient,
  lambdaHttp,
  lambdaLocal,
  openFaas,
} from '@gatelet/functions'
import type { Subject } from './subjects.ts'

const through = (options: LambdaOptions) =>
  lambda(
    lambdaLocal(() => null),
    options,
  )

/** The options of `@gatelet/functions`. */
export const functionSubjects: Readonly<Record<string, Subject>> = {
  LambdaOptions: {
    through,
    bad: {
      payload: '3.0',
      route: '/orders/{id}',
      api: 'gatelet',
      authorizer: {},
      streaming: true,
      maxRequestBytes: 0,
      maxResponseBytes: -1,
      timeoutMs: 0,
      clock: {},
    },
  },
  LambdaApi: {
    through: (api) => through({ api }),
    at: 'api',
    bad: { id: '', stage: 1, accountId: '123' },
  },
  LambdaHttpOptions: {
    through: lambdaHttp,
    good: { url: 'http://127.0.0.1:9', name: 'orders' },
    bad: { url: 'lambda', name: '', qualifier: 1, sign: {}, fetch: 'undici' },
  },
  LambdaClientOptions: {
    through: (options) => lambdaClient({ invoke: async () => ({}) }, options),
    good: { name: 'orders' },
    bad: { name: '', qualifier: '' },
  },
  LambdaLocalOptions: {
    through: (options) => lambdaLocal(() => null, options),
    bad: { name: '', memoryMb: 1, clock: {} },
  },
  GoogleFunctionOptions: {
    through: googleFunction,
    good: { audience: 'https://f.run.app', token: () => 'token' },
    bad: { audience: '', token: 'token', clock: {} },
  },
  AzureFunctionOptions: { through: azureFunction, good: { key: 'k' }, bad: { key: 'a b' } },
  OpenFaasOptions: {
    through: openFaas,
    good: { name: 'orders' },
    bad: { name: '../admin', async: 'yes', callbackUrl: 'hooks' },
  },
  CloudEventOptions: {
    through: cloudEvent,
    good: { source: '/orders', type: 'order.created' },
    bad: { source: '', type: 7, mode: 'batch', subject: 'x', maxBytes: 0, clock: {} },
  },
}
