export * from '@gatelet/rate-limiter'
