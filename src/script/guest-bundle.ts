// Owns the bundle of stdlib and src/sip that every isolate begins with, made once a process.
import { fileURLToPath } from 'node:url'
import { SignalboxError } from '../errors.ts'
import { bundle } from './esbuild.ts'

/** Name of the bundle in stack traces. */
export const GUEST_FILE = 'signalbox-stdlib'

/** What the bundle's own code goes on using after the guards have taken it from scripts. */
const CAPTURED = [
  'Array',
  'ArrayBuffer',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Float64Array',
  'BigInt',
  'DataView',
  'WeakRef',
]

let made: Promise<string> | undefined

/** The code to evaluate in a new isolate before its program. */
export function guestBundle(): Promise<string> {
  made ??= build()
  return made
}

/** Takes the bundle that another process has made, so that this one need not start a bundler for it. */
export function provideGuestBundle(code: string): void {
  made = Promise.resolve(code)
}

async function build(): Promise<string> {
  const file = fileURLToPath(new URL('../../stdlib/guest.ts', import.meta.url))
  const folder = fileURLToPath(new URL('../../', import.meta.url))
  const result = await bundle({ file }, { folder })
  if ('errors' in result) {
    const [first] = result.errors
    throw new SignalboxError(
      'ERR_COMPILE',
      `stdlib does not bundle: ${first?.location?.file}:${first?.location?.line}: ${first?.text}`,
    )
  }
  return `{const {${CAPTURED.join(',')}} = globalThis;\n${result.code}}`
}
