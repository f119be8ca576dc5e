export * from '@gatelet/database'
