import type { ReadonlyHeaders, RequestUrl } from '@gatelet/core'
import { origin } from '../policy/key.ts'
import { parseNoVarySearch, type SearchRule, searchKey } from '../policy/no-vary-search.ts'
import type { QueryOptions } from '../policy/options.ts'

/** What the last reply of each path that may be stored said in `No-Vary-Search`. Knows 1,000 paths, those that were set last. */
export class SearchRules {
  private readonly rules = new Map<string, SearchRule>()

  get(url: RequestUrl): SearchRule | undefined {
    return this.rules.size === 0 ? undefined : this.rules.get(pathOf(url))
  }

  /** A key of a whole URL as the rule of its path has it. @param options those that it was made by */
  applied(key: string, options: QueryOptions): string {
    const at = key.indexOf('?')
    const rule = at < 0 ? undefined : this.rules.get(key.slice(0, at))
    return rule ? `${key.slice(0, at)}${searchKey(key.slice(at), options, rule)}` : key
  }

  learn(url: RequestUrl, headers: ReadonlyHeaders): void {
    const rule = parseNoVarySearch(headers.get('no-vary-search'))
    const path = pathOf(url)
    this.rules.delete(path)
    if (!rule) return
    if (this.rules.size >= max) this.rules.delete(this.rules.keys().next().value as string)
    this.rules.set(path, rule)
  }
}

const max = 1_000

const pathOf = (url: RequestUrl): string => `${origin(url)}${url.path}`
