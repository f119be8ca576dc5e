import { targetProperties } from './target-properties.ts'

targetProperties(process.env['HEAVY_SHORT'] === '1' ? 20_000 : 500_000)
