export * from '@gatelet/grpc'
