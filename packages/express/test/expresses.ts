import express5 from 'express'
import express4 from 'express4'

/** The two versions that are in use. What these tests need of them has the same type in both. */
export type Express = typeof express5

export const expresses: readonly (readonly [name: string, express: Express])[] = [
  ['Express 4', express4 as unknown as Express],
  ['Express 5', express5],
]
