export * from '@gatelet/metrics'
