import type { ReadonlyHeaders, RequestUrl } from '@gatelet/core'
import { origin } from '../policy/key.ts'
import { parseNoVarySearch, type SearchRule } from '../policy/no-vary-search.ts'

/** What the last stored reply of each path said in `No-Vary-Search`. Knows 1,000 paths, those that were set last. */
export class SearchRules {
  private readonly rules = new Map<string, SearchRule>()

  get(url: RequestUrl): SearchRule | undefined {
    return this.rules.size === 0 ? undefined : this.rules.get(pathOf(url))
  }

  /** @returns the rule that holds from now on */
  learn(url: RequestUrl, headers: ReadonlyHeaders): SearchRule | undefined {
    const rule = parseNoVarySearch(headers.get('no-vary-search'))
    const path = pathOf(url)
    this.rules.delete(path)
    if (!rule) return undefined
    if (this.rules.size >= max) this.rules.delete(this.rules.keys().next().value as string)
    this.rules.set(path, rule)
    return rule
  }
}

const max = 1_000

const pathOf = (url: RequestUrl): string => `${origin(url)}${url.path}`
