// Owns the type of `config` in a TypeScript script, and `env`, from which its values may come.
import { opNow } from './runtime.ts'

/** Files are paths relative to the script, or PEM text. */
export interface TlsProfile {
  key?: string | undefined
  cert?: string | undefined
  ca?: string | string[] | undefined
  /** The peer's chain is checked; default true. */
  verifyPeer?: boolean | undefined
  /** The certificate must name the host that was dialled; default true. */
  verifyName?: boolean | undefined
  /** A peer that connects to us must show a certificate. */
  requireClientCert?: boolean | undefined
  minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
  ciphers?: string | undefined
  /** Names for which this profile answers (SNI). */
  serverNames?: string[] | undefined
  /** Names of which a connecting peer's certificate must carry one. */
  peerNames?: string[] | undefined
  /** Names and addresses that are dialled with this profile. */
  remotes?: string[] | undefined
  /** The name sent as SNI in place of the one dialled. */
  sendServerName?: string | undefined
  /** Takes a server's certificate from a client, as some peers show it. */
  acceptServerUsage?: boolean | undefined
  /** Requests in the other direction use a connection that the peer opened. */
  reuseAccepted?: boolean | undefined
}

/** Everything that a script may set. */
export interface Config {
  /** `udp:10.0.0.5:5060`, `tls:10.0.0.5:5061 advertise 25.25.25.5:5061`, `tcp:[::1]:5060 name "inside"`. */
  listen?: string[]
  /** Host names that are ours, besides the listeners. */
  alias?: string[]
  /** Names with their addresses, looked up before DNS. */
  hosts?: Record<string, string[]>
  tls?: { profiles?: Record<string, TlsProfile> }
  media?: {
    /** `[name/]address[!advertised]`; the first is the default. */
    interfaces?: string[]
    portMin?: number
    portMax?: number
    /** Seconds without a packet after which a session ends. */
    timeout?: number
    /** The same while on hold. */
    silentTimeout?: number
    /** Folders whose files may be played, with all below them. */
    folders?: readonly string[]
    /** Where calls are recorded. */
    recordingDir?: string
    /** `pcap`, `wav`, `wav-stereo`, or several parted by commas. */
    recordingMethod?: string
    /** Of pcap: `raw` IP packets, or in `eth` frames. */
    recordingFormat?: 'raw' | 'eth'
    /** `ADDRESS:PORT` that is told of keys, in JSON over UDP. */
    dtmfLogDest?: string
    /** Relays of others, by set: `udp:127.0.0.1:22222`. */
    sets?: Record<number, string[]>
  }
  /** What `modparam` of a `.cfg` sets, by module and name; a list where a parameter is given several times. */
  modules?: Record<string, Record<string, string | number | (string | number)[]>>
  timers?: {
    /** Milliseconds to a first reply. */
    fr?: number
    /** Milliseconds to a final reply once it rang. */
    frInv?: number
    /** Seconds after which a call is ended. */
    maxCall?: number
  }
  limits?: {
    /** Milliseconds of computing that one run may take. */
    runMillis?: number
    /** Memory of the isolate that a `.ts` runs in. A `.cfg` has none: its texts are bounded. */
    isolateMegabytes?: number
    messageBytes?: number
    transactions?: number
    transactionsPerSource?: number
    connections?: number
    connectionsPerSource?: number
    /** Milliseconds that messages may wait unread before new requests are refused with 503 (default 500); 0: none is. */
    queueMillis?: number
    /** Bytes beyond which a request leaves by TCP in place of UDP, as RFC 3261 18.1.1 wants it beyond 1300 (default 0: none does). */
    udpMtu?: number
  }
}

/** A variable of the environment, at load. Without a default, one that is not set is an error. */
export function env(name: string, otherwise?: string): string {
  const value = opNow('env', { name })
  if (value !== null) return value
  if (otherwise === undefined) throw new Error(`The environment has no ${name}, and env() gives no default.`)
  return otherwise
}
