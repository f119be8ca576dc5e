export {
  type SchemaInput,
  type SchemaIssue,
  type SchemaOutput,
  type SchemaResult,
  type StandardSchema,
  schemaCheck as schema,
} from '@gatelet/core'
