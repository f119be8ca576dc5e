import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTemplate } from '../../src/json/template.ts'
import { TemplateTree } from '../../src/json/template-tree.ts'

const shown = (text: string) => {
  const { segments, variables, verb } = parseTemplate(text)
  const kinds = segments.map((segment) => (segment.kind === 'literal' ? segment.text : segment.kind === 'one' ? '*' : '**'))
  return [kinds.join('/'), variables.map(({ path, from, to }) => `${path.join('.')} ${from}-${to ?? ''}`).join(', '), verb]
}

test.each([
  ['/v1/items', 'v1/items', '', ''],
  ['/v1/*', 'v1/*', '', ''],
  ['/**', '**', '', ''],
  ['/v1/{name}', 'v1/*', 'name 1-2', ''],
  ['/v1/{name=items/*}', 'v1/items/*', 'name 1-3', ''],
  ['/v1/{a.b.c=x/*/y}/{d}', 'v1/x/*/y/*', 'a.b.c 1-4, d 4-5', ''],
  ['/v1/{path=**}:open', 'v1/**', 'path 1-', 'open'],
  ['/v1/{path=files/**}', 'v1/files/**', 'path 1-', ''],
  ['/v1/a%20b:cancel', 'v1/a%20b', '', 'cancel'],
])('the template %s is read', (text, ...expected) => expect(shown(text)).toEqual(expected))

test('a template is either read or refused with a place, whatever it is', () => {
  const pieces = fc.constantFrom('/', '{', '}', '=', '*', '**', ':', '.', 'a', 'bc', '%20', ' ', '?')
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      try {
        const { segments } = parseTemplate(text)
        expect(text.startsWith('/')).toBe(true)
        expect(segments.length).toBeGreaterThan(0)
      } catch (error) {
        expect((error as Error).message).toContain(JSON.stringify(text))
      }
    }),
    { seed: 20, numRuns: 2_000 },
  )
})

describe('of the templates of a path', () => {
  const tree = (...templates: string[]) => {
    const made = new TemplateTree<string>()
    for (const text of templates) expect(made.add('GET', parseTemplate(text), text)).toBeUndefined()
    return (path: string) => made.find('GET', path)?.value
  }

  test('a literal comes before one segment, and one before all', () => {
    const find = tree('/v1/items/new', '/v1/items/{id}', '/v1/{rest=**}')
    expect(['/v1/items/new', '/v1/items/7', '/v1/items/7/8', '/v1'].map(find)).toEqual([
      '/v1/items/new',
      '/v1/items/{id}',
      '/v1/{rest=**}',
      '/v1/{rest=**}',
    ])
  })

  test('another is taken where the better one leads nowhere', () => {
    const find = tree('/a/b/c', '/a/{x}/d', '/{y=**}')
    expect(['/a/b/c', '/a/b/d', '/a/b/e', '/z'].map(find)).toEqual(['/a/b/c', '/a/{x}/d', '/{y=**}', '/{y=**}'])
  })

  test('a verb comes before a colon in a value', () => {
    const find = tree('/v1/{id}', '/v1/{id}:cancel')
    expect(['/v1/a', '/v1/a:cancel', '/v1/a:b', '/v1/:cancel'].map(find)).toEqual([
      '/v1/{id}',
      '/v1/{id}:cancel',
      '/v1/{id}',
      '/v1/{id}',
    ])
  })

  test('an empty segment is no value', () =>
    expect(['/v1/', '/v1//a'].map(tree('/v1/{id}', '/v1/{id}/a'))).toEqual([undefined, undefined]))

  test('the best is found as by looking at all of them', () => {
    const segment = fc.constantFrom('a', 'b', '*')
    const template = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
    fc.assert(
      fc.property(fc.uniqueArray(template, { maxLength: 10 }), path, (templates, asked) => {
        const matching = templates.filter((text) => new RegExp(`^${text.replaceAll('*', '[^/]+')}$`).test(asked))
        // A literal sorts before a star, from the left.
        const best = matching.sort((x, y) => (x.replaceAll('*', '~') < y.replaceAll('*', '~') ? -1 : 1))[0]
        expect(tree(...templates)(asked)).toBe(best)
      }),
      { seed: 30, numRuns: 2_000 },
    )
  })
})
