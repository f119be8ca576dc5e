import { readFileSync } from 'node:fs'
import { grpcJson } from '@gatelet/grpc'
import type { Subject } from './subjects.ts'

const descriptors = readFileSync(new URL('../../packages/grpc/test/protos/shop.binpb', import.meta.url))

/** The options of `@gatelet/grpc`. */
export const grpcSubjects: Readonly<Record<string, Subject>> = {
  GrpcJsonOptions: {
    through: grpcJson,
    good: { descriptors },
    bad: {
      descriptors: 5,
      services: [],
      maxMessageBytes: 0,
      unknownFields: 'keep',
      ignoredQuery: [''],
      format: 'pretty',
    },
  },
  GrpcJsonFormat: {
    through: (format) => grpcJson({ descriptors, format }),
    at: 'format',
    bad: { defaults: 'yes', originalNames: 1, enumNumbers: 1 },
  },
}
