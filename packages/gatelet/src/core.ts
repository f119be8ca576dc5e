export * from '@gatelet/core'
