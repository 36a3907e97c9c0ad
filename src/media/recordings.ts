// Owns the recording of calls: which files there are, what they are called, and the description that goes with them.
import { closeSync, constants, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Call } from './call.ts'
import type { NativeRelay, RecordingKind } from './native-relay.ts'
import { payloadsOf } from './party-audio.ts'

export interface RecordingOptions {
  /** Undefined: calls are not recorded. */
  readonly directory: string | undefined
  readonly kinds: readonly RecordingKind[]
  /** Bytes that one file may have. */
  readonly largestFile: number
}

interface OpenRecording {
  readonly name: string
  /** As the native relay numbers them, with their paths. */
  readonly files: readonly { readonly recording: number; readonly path: string }[]
  readonly started: number
  readonly streams: Set<number>
  readonly descriptions: string[]
  metadata: string
  paused: boolean
}

/** `pcaps`, `metadata` and `tmp` are rtpengine's. */
const FOLDERS: Readonly<Record<RecordingKind, string>> = {
  'pcap-raw': 'pcaps',
  'pcap-ethernet': 'pcaps',
  'wav-mono': 'wavs',
  'wav-stereo': 'wavs',
}
const LONGEST_NAME = 100
const LONGEST_METADATA = 65_536
const MOST_DESCRIPTIONS = 64

export class Recordings {
  readonly #native: NativeRelay
  readonly #options: RecordingOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #random: () => string
  readonly #open = new Map<Call, OpenRecording>()

  /** @throws SignalboxError ERR_CONFIG where the directory cannot be had */
  constructor(native: NativeRelay, options: RecordingOptions, clock: Clock, log: Log, random: () => string) {
    this.#native = native
    this.#options = options
    this.#clock = clock
    this.#log = log
    this.#random = random
    if (options.directory === undefined) return
    try {
      for (const folder of ['metadata', 'tmp', ...options.kinds.map((kind) => FOLDERS[kind])])
        mkdirSync(join(options.directory, folder), { recursive: true })
    } catch (cause) {
      throw new SignalboxError('ERR_CONFIG', `--recording-dir=${options.directory}: ${String(cause)}`, { cause })
    }
  }

  get open(): number {
    return this.#open.size
  }

  /**
   * Begins to record a call, or goes on after a pause.
   * @returns a warning where nothing is recorded
   * @throws SignalboxError ERR_MEDIA where a file cannot be made
   */
  start(call: Call, metadata: string): string | undefined {
    const known = this.#open.get(call)
    if (known) {
      if (metadata !== '') known.metadata = metadata.slice(0, LONGEST_METADATA)
      this.pause(call, 'go on')
      return undefined
    }
    const { directory, kinds } = this.#options
    if (directory === undefined) return 'calls are not recorded: the relay has no --recording-dir'
    // The Call-ID is a stranger's: no part of it may lead elsewhere, and the rest of the name is not theirs to guess.
    const safe = call.id.replace(/^\.|[^A-Za-z0-9._@-]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    const name = `${safe.slice(0, LONGEST_NAME)}-${this.#random()}`
    const files: OpenRecording['files'][number][] = []
    try {
      for (const kind of kinds) {
        const path = resolve(directory, FOLDERS[kind], `${name}.${kind.startsWith('pcap') ? 'pcap' : 'wav'}`)
        files.push({ recording: this.#create(path, kind), path })
      }
    } catch (error) {
      for (const { recording, path } of files) {
        this.#native.closeRecording(recording)
        rmSync(path, { force: true })
      }
      throw error
    }
    this.#open.set(call, {
      name,
      files,
      started: this.#clock.wallclock(),
      streams: new Set(),
      descriptions: [],
      metadata: metadata.slice(0, LONGEST_METADATA),
      paused: false,
    })
    this.follow(call)
    this.#log.info({ callId: call.id, files: files.map(({ path }) => path) }, 'the call is recorded')
    return undefined
  }

  /** Nothing is recorded until it is told to go on; the mix is silent for as long. */
  pause(call: Call, what: 'pause' | 'go on'): void {
    const recording = this.#open.get(call)
    if (!recording || recording.paused === (what === 'pause')) return
    recording.paused = what === 'pause'
    for (const file of recording.files) this.#native.pauseRecording(file.recording, recording.paused)
  }

  /** Records the streams that the call has by now. */
  follow(call: Call): void {
    const recording = this.#open.get(call)
    if (!recording) return
    for (const [index, party] of call.parties.entries()) {
      for (const [line, media] of party.media.entries()) {
        if (!media.stream) continue
        recording.streams.add(media.stream.id)
        const track = { track: Math.min(index, 1), payloads: payloadsOf(media, party.peer?.media[line]) }
        for (const file of recording.files) this.#native.record(file.recording, media.stream.id, track)
      }
    }
  }

  /** Notes a description that a party was sent, for the metadata. */
  describe(call: Call, mode: 'offer' | 'answer', sdp: string): void {
    const recording = this.#open.get(call)
    if (!recording) return
    if (recording.descriptions.length < MOST_DESCRIPTIONS)
      recording.descriptions.push(`SDP mode: ${mode}\nSDP before RTP packet: 1\n\n${sdp.replaceAll('\r\n', '\n')}`)
    this.follow(call)
  }

  stop(call: Call): void {
    const recording = this.#open.get(call)
    if (!recording) return
    this.#open.delete(call)
    const living = new Set(call.parties.flatMap((party) => party.media.map((media) => media.stream?.id)))
    for (const { recording: number, path } of recording.files) {
      for (const stream of recording.streams) if (living.has(stream)) this.#native.leaveRecording(number, stream)
      if (!this.#native.closeRecording(number))
        this.#log.error({ callId: call.id, path }, 'a recording was cut short: the disk or its limit is full')
    }
    this.#describeFiles(recording)
  }

  #create(path: string, kind: RecordingKind): number {
    try {
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o640)
      return this.#native.openRecording(fd, kind, this.#options.largestFile)
    } catch (cause) {
      throw new SignalboxError('ERR_MEDIA', `Failed to start recording: ${String(cause)}`, { cause })
    }
  }

  /** rtpengine's format: paths, descriptions, times and the metadata of requests, with two empty lines between. */
  #describeFiles({ name, files, descriptions, started, metadata }: OpenRecording): void {
    const time = (millis: number): string => new Date(millis).toISOString().slice(0, 19)
    const blocks = [
      `${files.map(({ path }) => path).join('\n')}\n`,
      descriptions.join('\n'),
      `call start time: ${time(started)}\ncall end time: ${time(this.#clock.wallclock())}\n`,
      ...(metadata === '' ? [] : [`${metadata}\n`]),
    ]
    const made = join(this.#options.directory!, 'tmp', `${name}.txt`)
    try {
      const fd = openSync(made, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o640)
      try {
        writeFileSync(fd, Buffer.from(blocks.join('\n\n'), 'latin1'))
      } finally {
        closeSync(fd)
      }
      // Whoever watches the folder finds it whole.
      renameSync(made, join(this.#options.directory!, 'metadata', `${name}.txt`))
    } catch (error) {
      this.#log.error({ path: made, error: String(error) }, 'the metadata of a recording could not be written')
    }
  }
}

/**
 * Reads rtpengine's `--recording-method` and `--recording-format`: `pcap`, and here `wav` and `wav-stereo`, several parted by commas.
 * @throws SignalboxError ERR_USAGE
 */
export function recordingKinds(method: string | undefined, format: string | undefined): RecordingKind[] {
  if (format !== undefined && format !== 'raw' && format !== 'eth')
    throw new SignalboxError('ERR_USAGE', `--recording-format=${format}: it is raw or eth`)
  return (method ?? 'pcap').split(',').map((word): RecordingKind => {
    if (word === 'pcap') return format === 'eth' ? 'pcap-ethernet' : 'pcap-raw'
    if (word === 'wav') return 'wav-mono'
    if (word === 'wav-stereo') return 'wav-stereo'
    throw new SignalboxError('ERR_USAGE', `--recording-method=${word}: it is pcap, wav or wav-stereo`)
  })
}
