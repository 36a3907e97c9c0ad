// Owns the interface of a media relay, as the engine sees it: the embedded one, a set of remote ones, or the fake.
import type { DtmfEvent } from './dtmf-log.ts'

/** One operation on the media of a call, with what the SIP message tells of it. */
export interface MediaRequest {
  readonly callId: string
  /** Tag of the message's From header field, also where the message is a reply. */
  readonly fromTag: string
  /** Tag of the message's To header field; absent or empty in an initial offer. */
  readonly toTag?: string
  /** Whether the SDP came in a request or in a reply: of a late offer and its answer (RFC 3264 4) From and To change places. Default: offers in requests, answers in replies. */
  readonly message?: 'request' | 'reply'
  /** Branch of the Via that `via-branch=` in the flags names; used only where the flags ask for it. */
  readonly viaBranch?: string
  /** The session description, as it is in the body. */
  readonly sdp?: string
  /** The string given to `rtpengine_manage`, `rtpengine_offer`, ... as it stands in the script. */
  readonly flags: string
  /** Source address of the SIP message. */
  readonly receivedFrom?: string
  /** The set chosen by `set_rtpengine_set`; the embedded relay answers for every set. */
  readonly set?: number
  /** Of `control`: the NG command, `play media`, `block DTMF` and the like; its arguments are in the flags. */
  readonly control?: string
}

/** What a `control` answers besides that it was done. */
export interface MediaControlled {
  /** Of the clip that is played, in milliseconds. */
  readonly durationMillis?: number
  /** Of `query`: the counters in rtpengine’s shape, as JSON. */
  readonly report?: string
  readonly warnings?: readonly string[]
}

export interface MediaAnswer {
  /** The session description that takes the place of the body. */
  readonly sdp: string
  /** What the relay did not understand or did otherwise than asked. */
  readonly warnings?: readonly string[]
}

export interface MediaCounters {
  readonly packets: number
  readonly bytes: number
  readonly errors: number
}

/** What one stream of one party counted: packets that arrived from it, and those sent to it. */
export interface MediaStreamStats {
  /** Tag of the party that the stream belongs to. */
  readonly tag: string
  /** Index of the m-line, from 1. */
  readonly index: number
  /** `audio`, `video`, ... */
  readonly type: string
  readonly protocol: string
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress?: string
  readonly remotePort?: number
  /** SRTP suite towards this party, absent for plain RTP. */
  readonly suite?: string
  readonly rtpIn: MediaCounters
  readonly rtpOut: MediaCounters
  readonly rtcpIn: MediaCounters
  readonly rtcpOut: MediaCounters
  /** Packets that the sender's sequence numbers say are missing. */
  readonly lost: number
  /** RFC 3550 6.4.1 interarrival jitter, in milliseconds at the clock rate of the codec. */
  readonly jitterMillis: number
  /** Packets dropped because SRTP refused them, by reason (`authentication`, `replay`, ...). */
  readonly srtpFailures: Readonly<Record<string, number>>
  readonly ssrcChanges: number
  /** Mean time between the relay and this party and back, from its RTCP; absent where none told. */
  readonly roundTripMillis?: number
  /** How its speech is heard at the relay (G.107), 1 to 4.5; absent where none arrived. */
  readonly mos?: number
  /** Milliseconds since the last packet arrived; absent when none has. */
  readonly lastPacketMillis?: number
}

/** Final or running counters of one call. */
export interface MediaStats {
  readonly callId: string
  /** Seconds since 1970. */
  readonly created: number
  readonly streams: readonly MediaStreamStats[]
}

/** A media relay. All operations reject with ERR_MEDIA, ERR_MEDIA_PORTS, ERR_MEDIA_UNREACHABLE or ERR_PARSE. */
export interface MediaRelay {
  /** Opens or changes a session from the side that offers; resolves to the offer for the other side. */
  offer(request: MediaRequest): Promise<MediaAnswer>
  /** Completes a session. */
  answer(request: MediaRequest): Promise<MediaAnswer>
  /** Ends a session; rejects with ERR_MEDIA when there is none. */
  delete(request: MediaRequest): Promise<MediaStats>
  query(request: MediaRequest): Promise<MediaStats>
  /** Performs `request.control` on a call. */
  control(request: MediaRequest): Promise<MediaControlled>
  ping(): Promise<void>
  close(): Promise<void>
  /** Called when the relay ended a call by itself, because no media flowed or its time was over; with its final counters where they are known. */
  onTimeout?: ((callId: string, reason: string, stats?: MediaStats) => void) | undefined
  /** Called when the node that calls were on does not answer any more; their next offer goes to another one. */
  onLost?: ((callIds: readonly string[]) => void) | undefined
  /** Called when a party of a call released a key (RFC 4733). */
  onDtmf?: ((event: DtmfEvent) => void) | undefined
}

export type MediaCommand = 'offer' | 'answer' | 'delete' | 'query' | 'control' | 'ping'
