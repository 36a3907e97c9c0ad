// Owns the bundles that every program begins with, stdlib and the src/sip it uses, made once a process.
import { fileURLToPath } from 'node:url'
import { SignalboxError } from '../errors.ts'
import * as sip from '../sip/index.ts'
import { bundle, type Plugin } from './esbuild.ts'

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

/** Code of two scripts: `sip` assigns the door of src/sip to `__sip`, which `library` uses. */
export interface GuestBundle {
  readonly sip: string
  readonly library: string
}

let made: Promise<GuestBundle> | undefined

export function guestBundle(): Promise<GuestBundle> {
  made ??= build()
  return made
}

/** Takes the bundle that another process has made, so that this one need not start a bundler for it. */
export function provideGuestBundle(given: GuestBundle): void {
  made = Promise.resolve(given)
}

/** The script to evaluate in a new isolate before its program. The first `;` keeps it from being strict, in which runs cost a quarter more. */
export function isolateCode({ sip, library }: GuestBundle): string {
  return `{const {${CAPTURED.join(',')}} = globalThis;\n(() => {;${sip}\n${library}})()}`
}

/** A script whose value takes the host's own src/sip, and an object to be the library's globalThis. */
export function libraryCode({ library }: GuestBundle): string {
  return `(function (__sip, globalThis) {${library}\n})`
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))

/** In place of src/sip: its values by name, so that calls of them cost what calls of the library's own functions do. */
const SIP_OUTSIDE: Plugin = {
  name: 'sip-outside',
  setup(build) {
    build.onResolve({ filter: /\/src\/sip\/index\.ts$/ }, () => ({ path: 'sip', namespace: 'outside' }))
    build.onLoad({ filter: /./, namespace: 'outside' }, () => ({
      contents: `export const {${Object.keys(sip).join(',')}} = __sip`,
      loader: 'js',
    }))
  },
}

async function build(): Promise<GuestBundle> {
  const [sipCode, library] = await Promise.all([
    built('src/sip/index.ts', { globalName: '__sip' }),
    built('stdlib/guest.ts', { plugins: [SIP_OUTSIDE] }),
  ])
  return { sip: sipCode, library }
}

async function built(file: string, options: { globalName?: string; plugins?: Plugin[] }): Promise<string> {
  const result = await bundle({ file: `${PROJECT}${file}` }, { folder: PROJECT, ...options })
  if ('errors' in result) {
    const [first] = result.errors
    throw new SignalboxError(
      'ERR_COMPILE',
      `stdlib does not bundle: ${first?.location?.file}:${first?.location?.line}: ${first?.text}`,
    )
  }
  return result.code
}
