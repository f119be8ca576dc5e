import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeCacheStore } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { fileCacheStore } from './file-cache-store.ts'

const limits = { maxEntryBytes: 300_000, maxVariants: 4 }

const start = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'file-cache-'))
  return { store: fileCacheStore(folder, limits), ...limits, close: () => rm(folder, { recursive: true }) }
}

describeCacheStore('fileCacheStore', start, { describe, test })
