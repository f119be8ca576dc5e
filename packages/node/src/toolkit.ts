/**
 * For authors of adapters: what Express, Koa and their kin have in common. A layer stands in a framework by a `Placement`;
 * each request leads through it with a `FrameworkSide`, which says how that framework is asked and answered.
 * @module
 */
export type { FrameworkTarget } from './framework/deliver.ts'
export { deliver, deliverFailure } from './framework/deliver.ts'
export { FrameworkExchange } from './framework/exchange.ts'
export type { FrameworkOptions, FrameworkSettings } from './framework/options.ts'
export { frameworkSettings } from './framework/options.ts'
export type { ParsedBody } from './framework/parsed-body.ts'
export type { FrameworkSide } from './framework/passage.ts'
export { Placement } from './framework/placement.ts'
export { changeHeaders, frameBody, rawHeaders, restoreHeaders, setHeaders } from './framework/response-headers.ts'
export { quietlyDiscard } from './quietly-discard.ts'
export type { ReplyHead } from './reply-head.ts'
export { hasContent, replyHead } from './reply-head.ts'
export type { DrainEmitter, ReplyOutput, ReplyTarget } from './streamed-reply.ts'
export { StreamedReply } from './streamed-reply.ts'
export { writeReply } from './write-reply.ts'
