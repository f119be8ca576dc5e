import type { PurgeSelector } from '@gatelet/cache'
import type { Clock } from '@gatelet/core'
import { textOf } from '../client.ts'
import { enterScript, notePurgeScript } from './cache-scripts.ts'
import type { Link } from './link.ts'
import { inIndex } from './names.ts'
import type { CacheRecord } from './record.ts'

/** What an index lives by. */
export interface PurgeIndexInit {
  readonly prefix: string
  readonly maxKeys: number
  readonly maxTagged: number
  readonly clock: Clock
}

/** What entries are purged by: all keys in order, those of each tag, and what was purged. Look-ups do not need it. */
export class PurgeIndex {
  private readonly link: Link
  private readonly init: PurgeIndexInit

  constructor(link: Link, init: PurgeIndexInit) {
    this.link = link
    this.init = init
  }

  /** How many purges there were. */
  async count(): Promise<number> {
    return Number((await this.link.tell((server) => server.send('GET', this.name('count')))) ?? 0)
  }

  /**
   * Enters a key, so that purges find it.
   * @param since how many purges there were when its entry was opened; -1: whatever was purged
   * @returns whether it may be stored, since when as stale (0: it is not), and how many purges there were
   */
  async enter(
    { key, until, meta }: CacheRecord,
    since: number,
  ): Promise<{ readonly isFree: boolean; readonly softAt: number; readonly count: number }> {
    const { maxKeys, maxTagged, clock } = this.init
    const tags = [...new Set(meta.tags)]
    const keys = ['order', 'ends', 'purges', 'count', ...tags.map(listOf)].map((name) => this.name(name))
    const numbers = [until, Math.floor(clock.date()), since, maxKeys, maxTagged].map(String)
    const answer = await this.link.run(enterScript, keys, [key, ...numbers, ...tags])
    const [isFree, softAt, count] = Array.isArray(answer) ? answer.map(Number) : []
    return { isFree: isFree === 1, softAt: softAt ?? 0, count: count ?? 0 }
  }

  /** Notes a purge, for entries that are being written. @returns its number */
  async note(selector: PurgeSelector, softAt: number): Promise<number> {
    const noted = [String(softAt), said(selector)]
    return Number(await this.link.run(notePurgeScript, [this.name('purges'), this.name('count')], noted))
  }

  /** The keys that a selector may mean, in lists of about 1,000. One may come twice. */
  async *keysOf(selector: PurgeSelector): AsyncIterable<readonly string[]> {
    if ('key' in selector) yield [selector.key]
    else if ('tag' in selector) yield* this.tagged(selector.tag)
    else yield* this.from('prefix' in selector ? selector.prefix : '')
  }

  // By a scan: places in the list shift while others enter, and a key that is passed over would not be purged.
  private async *tagged(tag: string): AsyncIterable<readonly string[]> {
    let cursor = '0'
    do {
      const [next, pairs] = await this.list('ZSCAN', listOf(tag), [cursor, 'COUNT', String(PAGE)])
      yield textsIn(pairs).filter((_, at) => at % 2 === 0)
      cursor = String(textOf(next ?? '0'))
    } while (cursor !== '0')
  }

  private async *from(prefix: string): AsyncIterable<readonly string[]> {
    let from = `[${prefix}`
    for (;;) {
      const page = textsIn(await this.list('ZRANGEBYLEX', 'order', [from, '+', 'LIMIT', '0', String(PAGE)]))
      const meant = page.filter((key) => key.startsWith(prefix))
      yield meant
      if (meant.length < PAGE) return
      from = `(${page.at(-1)}`
    }
  }

  private async list(command: string, name: string, args: readonly string[]): Promise<readonly unknown[]> {
    const answer = await this.link.tell((server) => server.send(command, this.name(name), args))
    return Array.isArray(answer) ? answer : []
  }

  private name(name: string): string {
    return inIndex(this.init.prefix, name)
  }
}

const PAGE = 1_000

const listOf = (tag: string): string => `tag:${tag}`

const textsIn = (list: unknown): readonly string[] => (Array.isArray(list) ? list.map((text) => String(textOf(text))) : [])

/** A selector as the log of purges has it. */
function said(selector: PurgeSelector): string {
  if ('key' in selector) return `k${selector.key}`
  if ('prefix' in selector) return `p${selector.prefix}`
  return 'tag' in selector ? `t${selector.tag}` : 'a'
}
