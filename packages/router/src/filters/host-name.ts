import { type Check, options } from '@gatelet/core'
import { hostPattern } from '../host.ts'

/** One host, canonical: not a pattern of several. */
export const hostName: Check<string> = (value, path) => {
  const { name, isWildcard } = hostPattern(value, path)
  if (isWildcard) throw options.wrong(value, path, 'the name of one host, such as api.example.com')
  return name
}
