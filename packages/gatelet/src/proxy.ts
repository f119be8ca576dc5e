export * from '@gatelet/proxy'
