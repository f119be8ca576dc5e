import { describeAdapter } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { expresses } from './expresses.ts'
import { starter } from './starter.ts'

const parsers = ['json', 'urlencoded', 'text', 'raw'] as const

for (const [name, express] of expresses) describeAdapter(name, starter(express), { describe, test, parsers })
