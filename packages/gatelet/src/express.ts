export * from '@gatelet/express'
