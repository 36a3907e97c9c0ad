// Owns the form of HEP version 3, in which captured messages travel (github.com/sipcapture/HEP).
import { isIPv4 } from 'node:net'
import type { Transport } from '../sip/index.ts'

export interface Captured {
  readonly payload: string
  readonly transport: Transport
  readonly source: { readonly address: string; readonly port: number }
  readonly destination: { readonly address: string; readonly port: number }
  readonly family: 4 | 6
  readonly milliseconds: number
  readonly capture: number
  readonly correlation: string
  readonly key: string
}

const number = (value: number, bytes: 1 | 2 | 4) => {
  let text = ''
  for (let shift = (bytes - 1) * 8; shift >= 0; shift -= 8) text += String.fromCharCode((value >>> shift) & 255)
  return text
}

/** A chunk of the generic vendor: type, length with its head, content. */
const chunk = (type: number, content: string) =>
  `${number(0, 2)}${number(type, 2)}${number(content.length + 6, 2)}${content}`

function addressBytes(address: string): string {
  if (isIPv4(address))
    return address
      .split('.')
      .map((part) => String.fromCharCode(Number(part)))
      .join('')
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16) || 0))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => 0)
  return [...before, ...(tail === undefined ? [] : zeros), ...after]
    .slice(0, 8)
    .map((group) => number(group, 2))
    .join('')
}

const SIP = 1
const TCP = 6
const UDP = 17

/** The packet, one character a byte. */
export function hepPacket(captured: Captured): string {
  const { source, destination, family, milliseconds } = captured
  const [from, to] = family === 4 ? [3, 4] : [5, 6]
  const seconds = Math.floor(milliseconds / 1000)
  const chunks = [
    chunk(1, number(family === 4 ? 2 : 10, 1)),
    chunk(2, number(captured.transport === 'udp' ? UDP : TCP, 1)),
    chunk(from!, addressBytes(source.address)),
    chunk(to!, addressBytes(destination.address)),
    chunk(7, number(source.port, 2)),
    chunk(8, number(destination.port, 2)),
    chunk(9, number(seconds, 4)),
    chunk(10, number(Math.floor((milliseconds - seconds * 1000) * 1000), 4)),
    chunk(11, number(SIP, 1)),
    chunk(12, number(captured.capture, 4)),
    ...(captured.key === '' ? [] : [chunk(14, captured.key)]),
    chunk(15, captured.payload),
    chunk(17, captured.correlation),
  ].join('')
  return `HEP3${number(chunks.length + 6, 2)}${chunks}`
}
