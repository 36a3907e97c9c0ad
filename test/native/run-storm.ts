// Owns a storm over the sanitized relay: streams come, go and change while good, random and forged packets pour in.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createNativeRelay, SRTP_KEY_BYTES } from '../../src/media/native-relay.ts'
import { RELAY } from './sanitized-build.ts'

const rounds = Number(process.argv[2])
const address = '127.0.0.12'
let events = 0
const relay = createNativeRelay({ onEvent: () => events++, threads: 2, addon: RELAY })
const socket = createSocket('udp4')
socket.bind(0, address)
await once(socket, 'listening')
let heard = 0
socket.on('message', () => heard++)

// A small generator of its own, so that a run can be had again.
let state = Number(process.argv[3] ?? 3711)
const random = (below: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}
const SUITES = ['AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'] as const
const key = (seed: number) => {
  const suite = SUITES[seed]!
  const mki = random(4) ? undefined : { value: random(3), length: 1 + random(128) }
  return { suite, key: new Uint8Array(SRTP_KEY_BYTES[suite]).fill(seed), mki }
}

const identities = [relay.makeIdentity(), relay.makeIdentity()] as const
const CREDENTIALS = ['even', 'oddd'].map((ufrag) => ({ ufrag, password: ufrag.repeat(6) }))

/** ICE with another stream or with nobody, DTLS with either certificate; streams of even and odd numbers may meet. */
function connection(id: number, rtpPort: number) {
  const side = id % 2
  const ice = {
    local: CREDENTIALS[side]!,
    remote: random(5) ? CREDENTIALS[1 - side]! : undefined,
    lite: random(4) === 0,
    remoteLite: random(8) === 0,
    role: side ? ('controlled' as const) : ('controlling' as const),
    candidates: ([1, 2] as const).map((component) => ({
      component,
      priority: 1,
      address,
      port: rtpPort + component - 1,
    })),
  }
  const digest = identities[random(8) ? 1 - side : side]!.fingerprints['sha-256']
  const role = side ? ('active' as const) : ('passive' as const)
  const dtls = { identity: identities[side]!, role, fingerprint: { hash: 'sha-256' as const, digest } }
  return { ice: random(4) ? ice : null, dtls: random(3) ? dtls : null }
}

const clip = relay.addClip(new Uint8Array(4000).fill(0xd5))
const recordings = (['pcap-raw', 'wav-mono'] as const).map((kind) =>
  relay.openRecording(openSync('/dev/null', 'w'), kind, 2 ** 24),
)
const LAWS = ['PCMU', 'PCMA'] as const

/** Clips, keys, recordings, copies: begun and ended at any time. */
function perform(one: number, other: number): unknown {
  const payloadType = random(128)
  switch (random(8)) {
    case 0:
      return relay.playClip(one, { clip, payloadType, packetMillis: 10, times: random(3), startMillis: random(400) })
    case 1:
      return relay.stopClip(one)
    case 2: {
      const key = { event: random(16), volume: random(64), durationMillis: 40, pauseMillis: 20, payloadType }
      return relay.pressKey(one, random(2) ? key : { ...key, sound: LAWS[random(2)] })
    }
    case 3:
      return relay.record(recordings[random(2)]!, one, { track: random(2), payloads: { PCMU: [0], PCMA: [8] } })
    case 4:
      return relay.leaveRecording(recordings[random(2)]!, one)
    case 5:
      return one === other ? undefined : relay.subscribe(one, other, random(2) ? conversion() : null)
    case 6:
      return relay.unsubscribe(other)
    default:
      return relay.pauseRecording(recordings[0]!, random(2) === 0)
  }
}

function conversion() {
  const laws = [LAWS[random(2)]!, LAWS[random(2)]!] as const
  return {
    rules: [
      { from: 0, to: 8, laws },
      { from: random(128), to: 101, sound: LAWS[random(2)]! },
    ],
    ...(random(2) ? { packetMillis: 10 * (1 + random(5)) } : {}),
  }
}

const open: { id: number; rtpPort: number; rtcpPort: number }[] = []
let opened = 0
/** Of streams that are closed too: those left at the end may have met nothing of a kind. */
const counted: ReturnType<typeof relay.stats>[] = []
for (let round = 0; round < rounds; round++) {
  if (open.length < 40) {
    open.push(relay.openStream({ address, portMin: 41000, portMax: 41999 }))
    opened++
  }
  const one = open[random(open.length)]!
  const other = open[random(open.length)]!
  if (one !== other && random(3) === 0) relay.link(one.id, other.id)
  const meets = random(3) === 0
  relay.configure(one.id, {
    ...(meets ? connection(one.id, other.rtpPort) : {}),
    latching: (['learn', 'strict', 'off'] as const)[random(3)]!,
    ...(random(4) ? { remote: { address, rtpPort: socket.address().port, rtcpPort: socket.address().port } } : {}),
    ...(meets
      ? {}
      : random(5)
        ? {
            ownReports: random(2) === 0,
            srtpIn: random(2) ? key(random(3)) : null,
            srtpOut: random(2) ? key(random(3)) : null,
          }
        : { passthrough: true }),
    media: (['pass', 'pass', 'block', 'silence'] as const)[random(4)]!,
    dtmfPayloadTypes: [random(128)],
    blockDtmf: random(2) === 0,
    conversion: random(3) === 0 ? conversion() : null,
    rtcpMux: random(2) === 0,
    timeoutMillis: random(2) * 20,
  })
  perform(one.id, other.id)
  for (let i = 0; i < 20; i++) {
    const packet = Buffer.alloc(random(60), random(256))
    if (random(8) === 0 && packet.length > 0) packet[0] = random(64)
    else if (packet.length > 12) {
      packet[0] = 0x80 | random(32)
      packet[1] = random(2) ? 200 : 0
      packet.writeUInt32BE(random(400), 8)
    }
    socket.send(packet, random(2) ? one.rtpPort : one.rtcpPort, address)
  }
  if (random(4) === 0) {
    counted.push(relay.stats(one.id))
    relay.close(one.id)
    open.splice(open.indexOf(one), 1)
  }
  if (round % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
}
await new Promise((resolve) => setTimeout(resolve, 50))
counted.push(...open.map((stream) => relay.stats(stream.id)))
relay.shutdown()
socket.close()
process.stdout.write(
  JSON.stringify({
    opened,
    heard,
    checked: counted.reduce((sum, stats) => sum + stats.stunPacketsIn - stats.stunRefused, 0),
    shaken: counted.reduce((sum, stats) => sum + stats.dtlsPacketsIn, 0),
    events,
    taken: counted.reduce((sum, stats) => sum + stats.rtpPacketsIn + stats.rtcpPacketsIn, 0),
  }),
)
