// Owns a day of packets for one call, 4.32 million as fast as they pass: plain on one side, SRTP on the other, out and back,
// every one of them compared. The roll-over counter wraps 66 times (PACKETS changes how many). Run by npm run test:day.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createNativeRelay, SRTP_KEY_BYTES, type SrtpKey } from '../../src/media/native-relay.ts'
import { SrtpOracle } from '../media/srtp-oracle.ts'

const DAY = 24 * 3_600 * 50
const packets = Number(process.env.PACKETS ?? DAY)
/** Packets under way at one time: what the sockets of the far ends hold. */
const WINDOW = 128
/** One packet in so many is also judged by another implementation of SRTP than the relay's. */
const JUDGED = 997
const START = 65_000

const suite = 'AES_CM_128_HMAC_SHA1_80'
const key: SrtpKey = { suite, key: Uint8Array.from({ length: SRTP_KEY_BYTES[suite] }, (_, i) => i * 7 + 1) }
const oracle = new SrtpOracle(key.key)

async function far(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

const relay = createNativeRelay({ onEvent: () => {} })
const [plain, secure] = [await far(), await far()]
const open = (socket: Socket, keys: object) => {
  const stream = relay.openStream({ address: '127.0.0.1', portMin: 41_000, portMax: 41_999 })
  const remote = { address: '127.0.0.1', rtpPort: socket.address().port, rtcpPort: socket.address().port + 1 }
  relay.configure(stream.id, { latching: 'strict', remote, packetRate: 10_000_000, ...keys })
  return stream
}
const [a, b] = [open(plain, {}), open(secure, { srtpIn: key, srtpOut: key })]
relay.link(a.id, b.id)

/** A tone of 400 Hz in u-law, 20 samples a period, so that each packet begins where the last one ended. */
const TONE = Buffer.from([255, 178, 164, 156, 152, 151, 152, 156, 164, 178, 255, 50, 36, 28, 24, 23, 24, 28, 36, 50])
const packet = Buffer.alloc(172)
packet[0] = 0x80
packet.writeUInt32BE(0x5eed, 8)
for (let i = 12; i < packet.length; i++) packet[i] = TONE[(i - 12) % TONE.length]!
const write = (index: number): Buffer => {
  packet.writeUInt16BE((START + index) & 0xffff, 2)
  packet.writeUInt32BE((index * 160) >>> 0, 4)
  return packet
}

const began = performance.now()
let [sent, judged, wrong, back] = [0, 0, 0, 0]
let seen = 0
let done = (): void => {}
const finished = new Promise<void>((resolve) => (done = resolve))
const fill = (): void => {
  while (sent < packets && sent - back < WINDOW) plain.send(Buffer.from(write(sent++)))
}
secure.on('message', (data) => {
  if (seen % JUDGED === 0) {
    const roc = Math.floor((START + seen) / 65_536)
    if (oracle.unprotectRtp(data, roc)?.equals(write(seen))) judged++
    else wrong++
  }
  seen++
  secure.send(data)
})
plain.on('message', (data) => {
  if (!data.equals(write(back))) wrong++
  back++
  if (back % 100_000 === 0)
    process.stdout.write(`${back} packets, ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
  if (back === packets) done()
  fill()
})
for (const [socket, stream] of [
  [plain, a],
  [secure, b],
] as const) {
  socket.connect(stream.rtpPort, '127.0.0.1')
  await once(socket, 'connect')
}
fill()
const stuck = setInterval(() => {
  const before = back
  setTimeout(() => {
    if (back === before && back < packets) done()
  }, 20_000).unref()
}, 20_000)
await finished
clearInterval(stuck)

const failures = { ...relay.stats(b.id) }
process.stdout.write(
  `${back} of ${packets} came back, ${wrong} wrong, ${judged} judged good by another SRTP, ` +
    `${Math.floor((START + packets) / 65_536)} roll-overs, ${failures.srtpAuthFailures + failures.srtpReplays + failures.srtpUnsent} failures, ` +
    `${((performance.now() - began) / 1000).toFixed(0)} s\n`,
)
relay.shutdown()
plain.close()
secure.close()
process.exitCode = back === packets && wrong === 0 && judged === Math.ceil(packets / JUDGED) ? 0 : 1
