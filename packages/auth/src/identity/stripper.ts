import type { HeaderList, ReadonlyHeaders } from '@gatelet/core'

/**
 * Takes away header fields that clients must not send, in every spelling that a server behind may read as the same one: many
 * make `HTTP_X_USER` of `X-User`, `X_User` and `X.User` alike.
 */
export class Stripper {
  private readonly names: ReadonlySet<string>
  private readonly beginnings: readonly string[]

  /** @param fields names, or beginnings with a `*` behind them */
  constructor(fields: readonly string[]) {
    this.names = new Set(fields.filter((field) => !field.endsWith('*')).map(folded))
    this.beginnings = fields.filter((field) => field.endsWith('*')).map((field) => folded(field.slice(0, -1)))
  }

  /** @returns the same list where nothing had to go */
  strip(headers: ReadonlyHeaders): ReadonlyHeaders | HeaderList {
    const { raw } = headers
    let kept: HeaderList | undefined
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at] as string
      if (!this.takes(name)) continue
      kept ??= headers.clone()
      kept.delete(name)
    }
    return kept ?? headers
  }

  private takes(name: string): boolean {
    const text = folded(name)
    return this.names.has(text) || this.beginnings.some((beginning) => text.startsWith(beginning))
  }
}

/** One spelling for all that may be read as one: without case, and with one separator. */
export const folded = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')
