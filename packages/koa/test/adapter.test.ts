import { describeAdapter } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { koas } from './koas.ts'
import { starter } from './starter.ts'

const parsers = ['json', 'urlencoded', 'text'] as const

for (const [name, Koa] of koas) describeAdapter(name, starter(Koa), { describe, test, parsers })
