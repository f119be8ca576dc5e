import { memoryCacheStore } from '@gatelet/cache'
import { describeCacheStore } from '@gatelet/testing'
import { describe, test } from 'vitest'

const limits = { maxEntryBytes: 300_000, maxVariants: 4 }
const start = () => ({ store: memoryCacheStore({ maxBytes: 5_000_000, ...limits }), ...limits })

describeCacheStore('memoryCacheStore', start, { describe, test })
