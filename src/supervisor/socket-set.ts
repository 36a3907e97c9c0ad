// Owns the listening sockets: bound once by the supervisor, inherited by each worker, so that no worker's death closes one.
import type { EngineConfig } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import { endpointText, type ListenSpec, nativeSockets } from '../transport/index.ts'
import { SLOT_BYTES } from './slot-memory.ts'

/** Shared memory with one worker. */
export interface Slot {
  readonly fd: number
  readonly memory: ArrayBuffer
  close(): void
}

export interface SocketSet {
  /** Descriptors in the order of the listeners. */
  readonly descriptors: readonly number[]
  /**
   * What a worker listens on: each listener with its real port and, for those that it opens itself, the number that the
   * descriptor has there. `first` is that of the first one inherited; streams are the front's where there is one.
   */
  listenWithFds(first: number, streams: 'worker' | 'front'): ListenSpec[]
  /** What the front listens on: all listeners, those of streams with a descriptor made for it. */
  streamsForFront(): ListenSpec[]
  createSlot(): Slot
  /** Sends one datagram from a UDP listener. */
  send(listener: number, wire: string, address: string, port: number): void
  close(): void
}

/** Binds everything that the configuration names. Throws ERR_LISTEN, naming the address, and leaves nothing open. */
export function bindSockets(config: EngineConfig): SocketSet {
  const native = nativeSockets()
  const descriptors: number[] = []
  const closeAll = () => {
    for (const fd of descriptors.splice(0)) native.close(fd)
  }
  for (const spec of config.listen) {
    try {
      descriptors.push(native.bind(spec.transport === 'udp' ? 'udp' : 'tcp', spec.address, spec.port))
    } catch (error) {
      closeAll()
      throw cannotListen(spec, error)
    }
  }
  return {
    descriptors,
    listenWithFds: (first, streams) =>
      config.listen.map((spec, index) => {
        const port = native.localPort(descriptors[index]!)
        if (spec.transport !== 'udp' && streams === 'front') return { ...spec, port }
        return { ...spec, port, fd: first + index }
      }),
    streamsForFront: () =>
      config.listen.map((spec, index) => {
        const port = native.localPort(descriptors[index]!)
        return spec.transport === 'udp'
          ? { ...spec, port }
          : { ...spec, port, fd: native.duplicate(descriptors[index]!) }
      }),
    createSlot() {
      const fd = native.createSharedMemory(SLOT_BYTES)
      try {
        return { fd, memory: native.mapSharedMemory(fd, SLOT_BYTES), close: () => native.close(fd) }
      } catch (error) {
        native.close(fd)
        throw error
      }
    },
    send(listener, wire, address, port) {
      const fd = descriptors[listener]
      if (fd !== undefined) native.sendTo(fd, Buffer.from(wire, 'latin1'), address, port)
    },
    close: closeAll,
  }
}

function cannotListen(spec: ListenSpec, error: unknown): SignalboxError {
  const code = (error as NodeJS.ErrnoException).code
  const where = `${spec.transport}:${endpointText(spec.address, spec.port)}`
  const why =
    code === 'EADDRINUSE'
      ? 'another program listens there already'
      : code === 'EADDRNOTAVAIL'
        ? 'this machine does not have that address'
        : code === 'EACCES'
          ? 'that needs more rights'
          : error instanceof Error
            ? error.message
            : String(error)
  return new SignalboxError('ERR_LISTEN', `cannot listen on ${where}: ${why}`, { cause: error })
}
