// Owns the use of esbuild: the one file that imports it.
import { type BuildFailure, build, type Message, type Plugin, stop } from 'esbuild'

export type { Message, Plugin } from 'esbuild'

export interface Bundled {
  readonly code: string
  /** Source map as JSON. */
  readonly map: string
  /** Files that went in, as esbuild names them: relative to `folder`, with a prefix for virtual ones. */
  readonly inputs: readonly string[]
}

export interface BundleFailed {
  readonly errors: readonly Message[]
}

/** What to bundle: a file, or text that stands in a folder. */
export type BundleEntry =
  | { readonly file: string }
  | { readonly text: string; readonly folder: string; readonly name: string }

export interface BundleOptions {
  readonly folder: string
  readonly plugins?: Plugin[]
  /** A variable that gets what the entry exports. */
  readonly globalName?: string
}

/** esbuild is a process of its own, of some 40 MB; it goes when nothing was bundled for so long, and comes back by itself. */
const IDLE_MILLIS = 1000
let bundling = 0
let idle: NodeJS.Timeout | undefined

/** Bundles for where programs run: one script, no imports left. */
export async function bundle(entry: BundleEntry, options: BundleOptions): Promise<Bundled | BundleFailed> {
  bundling++
  clearTimeout(idle)
  try {
    return await built(entry, options)
  } finally {
    if (--bundling === 0) idle = setTimeout(() => void stop(), IDLE_MILLIS).unref()
  }
}

async function built(entry: BundleEntry, options: BundleOptions): Promise<Bundled | BundleFailed> {
  try {
    const result = await build({
      ...('file' in entry
        ? { entryPoints: [entry.file] }
        : { stdin: { contents: entry.text, resolveDir: entry.folder, sourcefile: entry.name, loader: 'ts' } }),
      absWorkingDir: options.folder,
      plugins: options.plugins ?? [],
      bundle: true,
      write: false,
      format: 'iife',
      ...(options.globalName === undefined ? {} : { globalName: options.globalName }),
      target: 'es2022',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      sourcemap: 'external',
      outfile: 'bundle.js',
      metafile: true,
      // Arithmetic on huge integers cannot be stopped: their literals become calls of BigInt, which scripts do not have.
      supported: { bigint: false },
      // What was a module stays strict.
      banner: { js: '"use strict";' },
      charset: 'utf8',
      logLevel: 'silent',
    })
    const text = (suffix: string) => result.outputFiles.find((file) => file.path.endsWith(suffix))!.text
    return { code: text('.js'), map: text('.map'), inputs: Object.keys(result.metafile.inputs) }
  } catch (error) {
    const { errors } = error as BuildFailure
    if (!Array.isArray(errors)) throw error
    return { errors }
  }
}
