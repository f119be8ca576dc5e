export * from '@gatelet/redis'
