import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Checks, checkOptions, options } from '@gatelet/core'
import { portNumber, type SchemeOptions, schemeChecks } from './endpoint-of.ts'
import { rounds } from './rounds.ts'
import { type Secret, secret } from './secret.ts'
import { SliceApi } from './slice-api.ts'
import { SliceWatch } from './slice-watch.ts'
import type { DiscoverySource } from './source.ts'

/** Which service of a Kubernetes cluster is taken, and how its API is asked. In a pod, nothing has to be said. */
export interface KubernetesOptions extends SchemeOptions {
  /** Default: the pod's own, `namespace` of the service account. */
  namespace?: string
  /** By the name that the service gives it, or its number. Default: the only one, or the one named like the scheme. */
  port?: string | number
  /** Of a service with addresses of both families, which counts. Default: 4 where there is one. */
  family?: 4 | 6
  /** The folder of the pod's service account. Default `/var/run/secrets/kubernetes.io/serviceaccount`. */
  serviceAccount?: string
  /** Where the API is. Default: what the pod's environment says (`KUBERNETES_SERVICE_HOST` and `…_PORT`). */
  server?: string | URL
  /** Sent as bearer token. Default: `token` of the service account, read for each request, since it is renewed. */
  token?: Secret
  /** Certificates of authorities to trust, in PEM. Default: `ca.crt` of the service account; with `server`, those of Node. */
  ca?: string
  /** How long one watch lasts, in milliseconds, 1,000 to 3,600,000; up to twice as long by chance. Default 300,000. */
  watchMs?: number
  /** The longest wait before the next try after a failure, in milliseconds, at least 1. Default 30,000. */
  maxRetryMs?: number
}

/**
 * The pods of a service, by its EndpointSlices (discovery.k8s.io/v1): listed once, then watched, so that a change is seen at
 * once. The service account needs `list` and `watch` on `endpointslices`. Pods that are terminating but still serving drain
 * (weight 0), or, where no pod is ready, are taken, as the cluster itself does. Zone, pod and node come with each endpoint.
 * More than 2,000 slices (100,000 pods and more) are a failure.
 * @throws GatewayError `BAD_OPTION`
 */
export function kubernetes(service: string, given: KubernetesOptions = {}): DiscoverySource {
  const checked = checkOptions<Checked>('kubernetes', { ...given, service }, { ...checks, service: options.string })
  const { maxRetryMs = 30_000, watchMs = 300_000, serviceAccount = ACCOUNT } = checked
  const server = checked.server ?? serverOfPod()
  const accountFile = (name: string) => () => readFile(join(serviceAccount, name), 'utf8')
  return {
    name: `kubernetes ${checked.namespace === undefined ? '' : `${checked.namespace}/`}${service}`,
    watch(observer) {
      const api = new SliceApi({
        service,
        server: new URL(server),
        namespace: checked.namespace ?? accountFile('namespace'),
        token: checked.token ?? accountFile('token'),
        ca: checked.ca ?? (checked.server === undefined ? accountFile('ca.crt') : undefined),
        clock: observer.clock,
      })
      const watch = new SliceWatch(api, observer, checked, watchMs)
      return rounds(observer, maxRetryMs, (signal) => watch.look(signal))
    },
  }
}

interface Checked extends KubernetesOptions {
  service: string
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

function serverOfPod(): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env
  if (!host) throw options.wrong(undefined, 'server', 'the URL of the API: this process is not in a pod')
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const { either, httpUrl, milliseconds, number, oneOf, optional, string } = options

const checks: Checks<KubernetesOptions> = {
  ...schemeChecks,
  namespace: optional(string),
  port: optional(either('the name of a port, or its number', string, portNumber)),
  family: optional(oneOf(4, 6)),
  serviceAccount: optional(string),
  server: optional(httpUrl),
  token: optional(secret),
  ca: optional(string),
  watchMs: optional(number({ min: 1_000, max: 3_600_000, unit: 'milliseconds' })),
  maxRetryMs: optional(milliseconds()),
}
