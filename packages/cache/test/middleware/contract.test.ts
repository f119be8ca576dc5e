import { cache } from '@gatelet/cache'
import { describeMiddleware } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { PlainStore } from '../fakes/plain-store.ts'

describeMiddleware('cache', ({ clock }) => cache({ store: new PlainStore(), clock }), { describe, test })
describeMiddleware('cache that does not collapse', ({ clock }) => cache({ store: new PlainStore(), clock, collapse: false }), {
  describe,
  test,
})
