import type { Clock } from '@gatelet/core'
import { getJson, getJsonLines, type Question } from './http.ts'
import { type Json, objectOf, textOf } from './json.ts'
import { type Secret, said } from './secret.ts'

/** Whose EndpointSlices, and where. */
export interface SliceApiInit {
  readonly service: string
  readonly server: URL
  readonly namespace: Secret
  readonly token: Secret
  readonly ca: Secret | undefined
  readonly clock: Clock
}

/** All slices at one version of the cluster's state. */
export interface SliceList {
  readonly slices: readonly Json[]
  readonly version: string
}

/** Who is told of a watch. What it throws ends the watch. */
export interface WatchListener {
  began(): void
  changed(event: Json): void
}

/** The two requests to a Kubernetes API that discovery needs. */
export class SliceApi {
  private readonly init: SliceApiInit

  constructor(init: SliceApiInit) {
    this.init = init
  }

  /** @throws as `getJson`; StatusError 410 when the list changed too much while it was read; Error for more than 2,000 slices */
  async list(signal: AbortSignal): Promise<SliceList> {
    const slices: Json[] = []
    let next: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const { body } = await getJson(await this.question({ limit: '500', continue: next }, LIST_MS, signal))
      const { metadata, items } = objectOf(body)
      if (!Array.isArray(items)) throw new Error('the API answered with what is not a list')
      for (const item of items) slices.push(objectOf(item))
      checkCount(slices.length)
      const { resourceVersion, continue: following } = objectOf(metadata)
      next = textOf(following)
      if (next === undefined) return { slices, version: textOf(resourceVersion) ?? '' }
    }
    throw new Error(`the API answered with more than ${MAX_PAGES} pages`)
  }

  /**
   * Tells that the API takes the watch, then each change after `version`, until the watch is over.
   * @throws as `getJsonLines`; StatusError 410 when `version` is too old
   */
  async watch(version: string, watchMs: number, signal: AbortSignal, listener: WatchListener): Promise<void> {
    const seconds = Math.ceil(watchMs / 1_000)
    const query = { watch: '1', resourceVersion: version, allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) }
    // The API ends it itself. If it does not, the connection is dead.
    const question = await this.question(query, seconds * 1_000 + LIST_MS, signal)
    await getJsonLines(question, listener.began, (event) => listener.changed(objectOf(event)))
  }

  private async question(query: Record<string, string | undefined>, timeoutMs: number, signal: AbortSignal): Promise<Question> {
    const { server, service, namespace, token, ca, clock } = this.init
    const base = server.pathname.replace(/\/$/, '')
    const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(await said(namespace, 'namespace'))}/endpointslices`
    const url = new URL(`${base}${path}`, server)
    url.searchParams.set('labelSelector', `kubernetes.io/service-name=${service}`)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    const headers = { accept: 'application/json', authorization: `Bearer ${await said(token, 'token')}` }
    return { url, headers, ca: ca === undefined ? undefined : await said(ca, 'certificate'), timeoutMs, signal, clock }
  }
}

/** @throws Error when a service has more slices than are kept: 2,000, which is 100,000 pods and more */
export function checkCount(slices: number): void {
  if (slices > MAX_SLICES) throw new Error(`the service has more than ${MAX_SLICES} slices`)
}

const MAX_SLICES = 2_000
// Each may be empty and still have a next one.
const MAX_PAGES = 200
const LIST_MS = 30_000
