import { fromOpenAPI } from '@gatelet/router'
import { expect, test, vi } from 'vitest'

vi.mock('ajv/dist/2020.js', () => {
  throw new Error('Cannot find package')
})

test('where ajv is not installed, the start ends with how to install it', async () => {
  await expect(fromOpenAPI({ openapi: '3.1.0', paths: {} }, {})).rejects.toMatchObject({
    code: 'BAD_OPTION',
    path: 'ajv',
    message: 'fromOpenAPI: ajv must be installed (npm install ajv), or given as the option ajv',
  })
})
