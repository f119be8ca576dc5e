import type { HeaderList, ReadonlyHeaders } from '@gatelet/core'

/** The tags that the fields list, each once. */
export function tagsIn(headers: ReadonlyHeaders, fields: readonly string[]): readonly string[] {
  let tags: Set<string> | undefined
  for (const field of fields) {
    const value = headers.get(field)
    if (value === undefined) continue
    tags ??= new Set()
    for (const tag of value.split(/[\s,]+/)) if (tag !== '') tags.add(tag)
  }
  return tags ? [...tags] : []
}

/** Takes the fields away. */
export function withoutTags(headers: HeaderList, fields: readonly string[]): void {
  for (const field of fields) headers.delete(field)
}

/** The tag that all partitions of a key share. No tag of a reply has a space. */
export const tagOfKey = (key: string): string => `key ${key}`
