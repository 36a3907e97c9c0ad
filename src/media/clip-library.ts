// Owns the clips that calls hear: which files may be read, and each kept once in each law while it is used.
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs'
import { isAbsolute, resolve, sep } from 'node:path'
import { SignalboxError } from '../errors.ts'
import type { G711 } from './audio-settings.ts'
import type { NativeAudio } from './native-audio.ts'
import { readWav } from './wav.ts'

export interface LoadedClip {
  /** As the native relay numbers it. */
  readonly clip: number
  readonly durationMillis: number
  /** To be called once it plays: what nobody else will ask for is not kept. */
  played(): void
}

interface Kept extends LoadedClip {
  readonly bytes: number
}

/** A quarter of an hour of linear audio. */
const LARGEST_FILE = 16 << 20
/** What is kept in all, in code words. */
const LARGEST_LIBRARY = 128 << 20

export class ClipLibrary {
  readonly #native: NativeAudio
  readonly #folders: readonly string[]
  /** By what it is of, the one used last at the end. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  /** @param folders where files may be played from, with everything below them; none: no files */
  constructor(native: NativeAudio, folders: readonly string[]) {
    this.#native = native
    this.#folders = folders.map((folder) => realpathSync(folder))
  }

  /**
   * A file below one of the folders; a relative name is looked for in each.
   * @throws SignalboxError ERR_MEDIA, ERR_PARSE
   */
  file(name: string, law: G711): LoadedClip {
    const fd = this.#open(name)
    try {
      const { size, mtimeMs, ino, dev } = fstatSync(fd)
      return this.#keep(`${dev}:${ino}:${mtimeMs}:${size}:${law}`, law, () => {
        if (size > LARGEST_FILE) throw refused(`it has ${size} bytes; ${LARGEST_FILE} is the most`)
        const bytes = new Uint8Array(size)
        let at = 0
        while (at < size) {
          const count = readSync(fd, bytes, at, size - at, at)
          if (count === 0) break
          at += count
        }
        return bytes.subarray(0, at)
      })
    } finally {
      closeSync(fd)
    }
  }

  /** Audio that came with the request. It is kept only as long as it is heard. */
  blob(bytes: Uint8Array, law: G711): LoadedClip {
    const loaded = this.#load(bytes, law)
    return { ...loaded, played: () => this.#native.dropClip(loaded.clip) }
  }

  /** A descriptor of a regular file that is allowed. Links are followed before the place is judged, not after. */
  #open(name: string): number {
    if (this.#folders.length === 0)
      throw refused('no folder is allowed; name one by --media-dir, or in config.media.folders')
    const candidates = isAbsolute(name) ? [name] : this.#folders.map((folder) => resolve(folder, name))
    for (const candidate of candidates) {
      let real: string
      try {
        real = realpathSync(candidate)
      } catch {
        continue
      }
      if (!this.#folders.some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep))) continue
      const fd = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      if (fstatSync(fd).isFile()) return fd
      closeSync(fd)
    }
    throw refused('there is no such file below the folders that are allowed')
  }

  #keep(key: string, law: G711, read: () => Uint8Array): LoadedClip {
    const known = this.#kept.get(key)
    if (known) {
      this.#kept.delete(key)
      this.#kept.set(key, known)
      return known
    }
    const clip = this.#load(read(), law)
    this.#kept.set(key, clip)
    this.#bytes += clip.bytes
    for (const [oldest, old] of this.#kept) {
      if (this.#bytes <= LARGEST_LIBRARY || oldest === key) break
      this.#kept.delete(oldest)
      this.#bytes -= old.bytes
      this.#native.dropClip(old.clip)
    }
    return clip
  }

  #load(bytes: Uint8Array, law: G711): Kept {
    const { format, data, samples } = readWav(bytes)
    const clip = this.#native.addClip(this.#native.compand(data, format, law))
    return { clip, durationMillis: Math.floor(samples / 8), bytes: samples, played: () => undefined }
  }
}

function refused(why: string): SignalboxError {
  return new SignalboxError('ERR_MEDIA', why)
}
