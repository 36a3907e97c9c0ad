// Owns the reading of an NG reply to a command that plays, blocks, records or tells counters.
import type { MediaControlled } from '../relay.ts'
import type { NgDictionary } from './bencode.ts'

/** @param told warnings from before the request */
export function controlled(reply: NgDictionary, told: readonly string[]): MediaControlled {
  const warnings = [...told, ...(typeof reply.warning === 'string' ? [reply.warning] : [])]
  return {
    ...(typeof reply.duration === 'number' ? { durationMillis: reply.duration } : {}),
    ...(typeof reply.tags === 'object' ? { report: JSON.stringify(reply) } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  }
}
