import { posix } from 'node:path'
import { type CanonicalTarget, canonicalize, type PathOptions } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const pieces = fc.constantFrom(
  ...['/', '/', '/', '.', '..', 'a', 'B', '~', '%2e', '%2E', '%2f', '%5C', '%61', '%c3', '%A9', '%25', '%00', '%zz', '%'],
  ...[';', ':', '@', '\\', '#', '?', '"', '|', ' ', 'é', '\n', '%c0', '%AE', '%3b', 'http://h'],
)
const evilTarget = fc.array(fc.oneof({ weight: 9, arbitrary: pieces }, fc.string({ maxLength: 3 })), { maxLength: 14 })
const target = evilTarget.map((parts) => `/${parts.join('')}`)
const options = fc.record({ doubleSlash: fc.boolean(), encodedSlash: fc.boolean(), encodedBackslash: fc.boolean() })

/** Undefined when it is refused, as it must be: by BAD_TARGET. */
export function taken(text: string, paths: PathOptions = {}): CanonicalTarget | undefined {
  try {
    return canonicalize(text, paths)
  } catch (error) {
    expect(error).toMatchObject({ name: 'GatewayError', code: 'BAD_TARGET' })
    return undefined
  }
}

/** What holds for any target, tried on so many. */
export function targetProperties(numRuns: number): void {
  const runs = { seed: 20_26, numRuns }

  describe('any target', () => {
    test('is taken or refused with BAD_TARGET, never anything else', () => {
      const anyText = fc.oneof(
        fc.string({ unit: 'binary' }),
        evilTarget.map((parts) => parts.join('')),
      )
      fc.assert(
        fc.property(anyText, options, (text, paths) => void taken(text, paths)),
        runs,
      )
    })

    test('is canonical when it was made canonical', () => {
      fc.assert(
        fc.property(target, options, (text, paths) => {
          const once = taken(text, paths)
          if (once) expect(canonicalize(once.path + once.search, paths)).toEqual({ path: once.path, search: once.search })
        }),
        runs,
      )
    })

    test('comes out without dot segments, empty segments and anything that servers read differently', () => {
      fc.assert(
        fc.property(target, (text) => {
          const found = taken(text)
          if (!found) return
          expect(found.path).toMatch(/^\/[\x21-\x7e]*$/)
          expect(found.path).not.toMatch(/\/\.\.?(?:\/|;|$)|\/\/|%2f|%5c|[\\#?"<>^`{|}]|%(?![0-9A-F]{2})/i)
          const codes = [...found.path.matchAll(/%(..)/g)].map(([, hex]) => hex ?? '')
          for (const hex of codes) expect(String.fromCharCode(Number.parseInt(hex, 16))).not.toMatch(/[\w.~-]/)
          for (const hex of codes) expect(hex).toBe(hex.toUpperCase())
        }),
        runs,
      )
    })

    test('comes out without dot segments for a server that decodes slashes, whatever is switched on', () => {
      fc.assert(
        fc.property(target, options, (text, paths) => {
          const path = taken(text, paths)?.path.replaceAll('%2F', '/').replaceAll('%5C', '/')
          if (path) expect(path).not.toMatch(/\/\.\.?(?:\/|;|%3B|$)/)
        }),
        runs,
      )
    })

    test('keeps its query byte for byte', () => {
      const printable = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) })
      fc.assert(
        fc.property(
          target,
          printable.filter((query) => !query.includes('#')),
          (text, query) => {
            const found = taken(`${text.replaceAll('?', '')}?${query}`)
            if (found) expect(found.search).toBe(`?${query}`)
          },
        ),
        runs,
      )
    })

    // Not `new URL`: that of Node 20 leaves `/a/.a/../a` as it is.
    test('resolves dot segments as a file system does', () => {
      const segments = fc.array(fc.constantFrom('a', 'b', '.', '..', '%2e', '.%2E', '...', '.a', 'a%2e'), { minLength: 1 })
      fc.assert(
        fc.property(segments, (parts) => {
          const plain = `/${parts.join('/')}`.replace(/%2e/gi, '.')
          const folder = /\/\.\.?$/.test(plain) ? `${plain}/` : plain
          expect(canonicalize(`/${parts.join('/')}`).path).toBe(posix.normalize(folder))
        }),
        runs,
      )
    })
  })
}
