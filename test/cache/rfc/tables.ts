import type { Row } from './row.ts'
import { age } from './rows/age.ts'
import { cacheStatus } from './rows/cache-status.ts'
import { conditional } from './rows/conditional.ts'
import { freshness } from './rows/freshness.ts'
import { interim } from './rows/interim.ts'
import { invalidation } from './rows/invalidation.ts'
import { parts } from './rows/parts.ts'
import { requests } from './rows/requests.ts'
import { stale } from './rows/stale.ts'
import { storage } from './rows/storage.ts'
import { targeted } from './rows/targeted.ts'
import { validation } from './rows/validation.ts'
import { variants } from './rows/variants.ts'

/** All rows, by what they are about. */
export const tables: Readonly<Record<string, readonly Row[]>> = {
  ...{ freshness, age, storage, variants, validation, conditional, parts },
  ...{ invalidation, stale, requests, targeted, cacheStatus, interim },
}
