import type { Context, Handler } from '@gatelet/core'
import type { RawResponse } from '../../raw-response.ts'
import { type Behind, played, type StartAdapter } from './scene.ts'

/** A layer that asks what the framework has behind it. */
export type AskingLayer = (ctx: Context, next: Handler) => ReturnType<Handler>

export const passOn: AskingLayer = (ctx, next) => next(ctx)

/** Asks once, with a layer in front of what the framework has. @param line method and target; default `GET /` */
export type Asked = (layer: AskingLayer, behind: Behind, line?: string) => Promise<RawResponse>

export function askingBehind(start: StartAdapter): Asked {
  return (layer, behind, line = 'GET /') => played(start, { layer, behind }, (stage) => stage.ask(line))
}
