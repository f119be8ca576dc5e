export * from '@gatelet/auth'
