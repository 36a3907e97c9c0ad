// Owns the streams of the native relay that calls hold: opening on an interface, sharing among forks, closing.
import type { Call, PartyMedia, RelayStream } from './call.ts'
import type { MediaInterface } from './interfaces.ts'
import type { NativeRelay } from './native-relay.ts'

export interface PortRange {
  readonly portMin: number
  readonly portMax: number
}

export class StreamPool {
  readonly #native: NativeRelay
  readonly #portMin: number
  readonly #portMax: number
  readonly #calls = new Map<number, Call>()
  readonly #ports = new Map<MediaInterface, number>()

  constructor(native: NativeRelay, { portMin, portMax }: PortRange) {
    this.#native = native
    this.#portMin = portMin
    this.#portMax = portMax
  }

  /** Number of open streams. */
  get size(): number {
    return this.#calls.size
  }

  /** @throws SignalboxError ERR_MEDIA_PORTS */
  open(call: Call, local: MediaInterface, tos: number | undefined): RelayStream {
    const { id, rtpPort, rtcpPort } = this.#native.openStream({
      address: local.address,
      portMin: this.#portMin,
      portMax: this.#portMax,
      tos,
    })
    this.#calls.set(id, call)
    this.#ports.set(local, this.portsOn(local) + 2)
    return { id, local, rtpPort, rtcpPort, users: 1 }
  }

  portsOn(local: MediaInterface): number {
    return this.#ports.get(local) ?? 0
  }

  /** The call that a stream belongs to. */
  callOf(id: number): Call | undefined {
    return this.#calls.get(id)
  }

  release(media: PartyMedia): void {
    const stream = media.stream
    media.stream = undefined
    this.drop(stream)
  }

  /** One user fewer; the last one closes it. */
  drop(stream: RelayStream | undefined): void {
    if (!stream || --stream.users > 0) return
    this.#calls.delete(stream.id)
    this.#ports.set(stream.local, this.portsOn(stream.local) - 2)
    this.#native.close(stream.id)
  }
}

/** Streams opened on behalf of one request: all of them kept, or none, and former ones closed only when they are. */
export class StreamChanges {
  readonly #pool: StreamPool
  readonly #replaced: { media: PartyMedia; former: RelayStream | undefined }[] = []
  readonly #kept: (() => void)[] = []

  constructor(pool: StreamPool) {
    this.#pool = pool
  }

  /** @throws SignalboxError ERR_MEDIA_PORTS */
  open(call: Call, media: PartyMedia, local: MediaInterface, tos: number | undefined): void {
    const stream = this.#pool.open(call, local, tos)
    this.#replaced.push({ media, former: media.stream })
    media.stream = stream
  }

  onKeep(action: () => void): void {
    this.#kept.push(action)
  }

  keep(): void {
    for (const { former } of this.#replaced) this.#pool.drop(former)
    for (const action of this.#kept) action()
  }

  undo(): void {
    for (const { media, former } of this.#replaced) {
      this.#pool.release(media)
      media.stream = former
    }
  }
}
