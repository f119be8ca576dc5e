export * from '@gatelet/balancer'
