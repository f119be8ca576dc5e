import { type Checks, options } from '@gatelet/core'
import { expectTypeOf, test } from 'vitest'

interface Sample {
  name: string
  weight?: number
}

test('a check that is forgotten does not compile', () => {
  // @ts-expect-error weight is missing
  const partial: Checks<Sample> = { name: options.string }
  const whole: Checks<Sample> = { name: options.string, weight: options.optional(options.number({ min: 0, max: 1 })) }
  expectTypeOf([partial, whole]).toBeArray()
})

test('a check of another type does not compile', () => {
  // @ts-expect-error a name is no boolean
  const wrong: Checks<Sample> = { name: options.boolean, weight: options.optional(options.number({ min: 0, max: 1 })) }
  // @ts-expect-error a name cannot be left out
  const absent: Checks<Sample> = { name: options.optional(options.string), weight: options.optional(options.milliseconds()) }
  expectTypeOf([wrong, absent]).toBeArray()
})

test('checks say what they give', () => {
  expectTypeOf(options.oneOf('a', 'b')).returns.toEqualTypeOf<'a' | 'b'>()
  expectTypeOf(options.oneOf('a', 3, false)).returns.toEqualTypeOf<'a' | 3 | false>()
  expectTypeOf(options.list(options.string)).returns.toEqualTypeOf<readonly string[]>()
  expectTypeOf(options.either('x', options.string, options.boolean)).returns.toEqualTypeOf<string | boolean>()
  expectTypeOf(options.optional(options.httpUrl)).returns.toEqualTypeOf<URL | undefined>()
})
