export * from '@gatelet/cache'
