// Owns the variables that module parameters name, such as received_avp: "$avp(RECEIVED)" as something to read and write.
import type { PvReference } from './contract.ts'
import { bindPv, reference } from './pv.ts'
import { PvSyntaxError, parsePv } from './pv-format.ts'

/** The variable; undefined where the text is none. */
export function avpAccess(text: string): PvReference | undefined {
  const written = text.trim()
  if (written === '') return undefined
  try {
    return reference(bindPv(parsePv(written.startsWith('$') ? written : `$avp(${written})`)))
  } catch (error) {
    if (error instanceof PvSyntaxError) return undefined
    throw error
  }
}
