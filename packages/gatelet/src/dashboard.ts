export * from '@gatelet/dashboard'
