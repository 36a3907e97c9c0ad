// Owns a call between two phones through a proxy whose topology hiding is compared: what each of them heard, in order.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { PROXY_PORT } from './case.ts'

export const ALICE_PORT = 49_611
export const BOB_PORT = 49_612
const SILENCE_MILLIS = 1500

export const headersOf = (text: string, name: string): string[] =>
  text
    .split('\r\n\r\n', 1)[0]!
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim())
const listOf = (text: string, name: string): string[] =>
  headersOf(text, name).flatMap((value) => value.split(/,(?=\s*(?:<|SIP\/))/).map((each) => each.trim()))
const uriOf = (contact: string | undefined): string => /<([^>]*)>/.exec(contact ?? '')?.[1] ?? ''

class Phone {
  readonly port: number
  readonly address: string
  readonly #socket: Socket
  readonly #unread: string[] = []
  #waiting: ((text: string) => void) | undefined

  private constructor(address: string, port: number, socket: Socket) {
    this.address = address
    this.port = port
    this.#socket = socket
    socket.on('message', (bytes) => {
      const text = bytes.toString('latin1')
      // Retransmissions, and 100, come when they like.
      if (text.startsWith('SIP/2.0 100') || this.#unread.includes(text)) return
      if (this.#waiting) this.#waiting(text)
      else this.#unread.push(text)
    })
  }

  static async open(address: string, port: number): Promise<Phone> {
    const socket = createSocket('udp4')
    socket.bind(port, address)
    await once(socket, 'listening')
    return new Phone(address, port, socket)
  }

  send(lines: readonly string[]): void {
    this.#socket.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), PROXY_PORT, this.address)
  }

  /** '' where nothing comes. */
  next(): Promise<string> {
    const unread = this.#unread.shift()
    if (unread !== undefined) return Promise.resolve(unread)
    return new Promise((resolve) => {
      const done = (text: string) => {
        clearTimeout(timer)
        this.#waiting = undefined
        resolve(text)
      }
      const timer = setTimeout(() => done(''), SILENCE_MILLIS)
      this.#waiting = done
    })
  }

  close(): void {
    this.#socket.close()
  }
}

/** What a reply repeats of its request. */
function reply(request: string, status: number, lines: readonly string[] = []): string[] {
  const to = headersOf(request, 'To')[0] ?? ''
  return [
    `SIP/2.0 ${status} Reason`,
    ...headersOf(request, 'Via').map((value) => `Via: ${value}`),
    ...headersOf(request, 'Record-Route').map((value) => `Record-Route: ${value}`),
    `From: ${headersOf(request, 'From')[0]}`,
    `To: ${to.includes('tag=') ? to : `${to};tag=tobob`}`,
    `Call-ID: ${headersOf(request, 'Call-ID')[0]}`,
    `CSeq: ${headersOf(request, 'CSeq')[0]}`,
    ...lines,
    'Content-Length: 0',
  ]
}

const FROM = '"A" <sip:alice@a.example>;tag=fromalice'
const TO = '<sip:bob@b.example>'

/**
 * A call with everything in it: ringing, answer, requests both ways, its end; then one that fails, one that is sent
 * elsewhere, one that is cancelled, and requests without a dialog. `upstream`: alice stands behind another proxy.
 */
export async function talk(address: string, upstream = false): Promise<string[]> {
  const [alice, bob] = [await Phone.open(address, ALICE_PORT), await Phone.open(address, BOB_PORT)]
  const heard: string[] = []
  const hear = async (who: string, phone: Phone): Promise<string> => {
    const text = await phone.next()
    heard.push(`${who}: ${text}`)
    return text
  }
  const aliceAt = `sip:alice@${address}:${ALICE_PORT}`
  const bobAt = `sip:bob@${address}:${BOB_PORT}`
  let number = 0
  const request = (phone: Phone, method: string, uri: string, lines: readonly string[]): void => {
    number++
    phone.send([
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${phone.port};rport;branch=z9hG4bKour${number}`,
      ...lines,
      'Max-Forwards: 70',
      'Content-Length: 0',
    ])
  }
  const begin = (method: string, callId: string, lines: readonly string[] = []) =>
    request(alice, method, `sip:bob@${address}:${PROXY_PORT}`, [
      ...(upstream
        ? ['Via: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKourup', 'Record-Route: <sip:10.9.9.9;lr;x=y>']
        : []),
      `From: ${FROM}`,
      `To: ${TO}`,
      `Call-ID: ${callId}`,
      `CSeq: 1 ${method}`,
      `Contact: "Al" <${aliceAt};ob>;+sip.instance="<urn:x>"`,
      ...lines,
    ])
  try {
    begin('INVITE', 'call-1', ['X-Other: 1'])
    const invite = await hear('bob', bob)
    const contact = `Contact: <${bobAt}>`
    bob.send(reply(invite, 180, [contact]))
    await hear('alice', alice)
    bob.send(reply(invite, 200, [contact]))
    const answer = await hear('alice', alice)
    const foreign = (route: string) => /10\.9\.9\.9|127\.0\.0\.8/.test(route)
    const aliceRoutes = listOf(answer, 'Record-Route')
      .filter((each) => !foreign(each))
      .reverse()
    const bobRoutes = listOf(invite, 'Record-Route').filter((each) => !foreign(each))
    const within = (from: 'alice' | 'bob', method: string, cseq: number, lines: readonly string[] = []) => {
      const mine = from === 'alice'
      const message = mine ? answer : invite
      request(mine ? alice : bob, method, uriOf(headersOf(message, 'Contact')[0]), [
        ...(mine ? aliceRoutes : bobRoutes).map((route) => `Route: ${route}`),
        `From: ${mine ? FROM : `${TO};tag=tobob`}`,
        `To: ${mine ? `${TO};tag=tobob` : FROM}`,
        `Call-ID: ${headersOf(message, 'Call-ID')[0]}`,
        `CSeq: ${cseq} ${method}`,
        ...lines,
      ])
    }
    within('alice', 'ACK', 1)
    await hear('bob', bob)
    const exchanges: [who: 'alice' | 'bob', method: string, lines: string[], answered: string[]][] = [
      ['alice', 'INVITE', [`Contact: <${aliceAt}>`], [contact]],
      ['alice', 'ACK', [], []],
      ['alice', 'UPDATE', [`Contact: <${aliceAt}>`], [contact]],
      ['alice', 'PRACK', ['RAck: 1 1 INVITE'], []],
      [
        'alice',
        'REFER',
        [`Refer-To: <${uriOf(headersOf(answer, 'Contact')[0])}?Replaces=x>`, `Contact: <${aliceAt}>`],
        [contact],
      ],
      ['alice', 'MESSAGE', [], [contact]],
      ...(upstream
        ? []
        : ([
            ['bob', 'INFO', [], []],
            ['bob', 'INVITE', [contact], [`Contact: <${aliceAt}>`]],
            ['bob', 'ACK', [], []],
            ['bob', 'NOTIFY', ['Event: refer', contact], []],
          ] as [who: 'alice' | 'bob', method: string, lines: string[], answered: string[]][])),
    ]
    let cseq = 1
    for (const [who, method, lines, answered] of exchanges) {
      if (method !== 'ACK') cseq++
      within(who, method, cseq, lines)
      const [to, back] = who === 'alice' ? ([bob, alice] as const) : ([alice, bob] as const)
      const received = await hear(who === 'alice' ? 'bob' : 'alice', to)
      if (method === 'ACK' || received === '') continue
      to.send(reply(received, 200, answered))
      await hear(who, back)
    }
    const ends = upstream ? 'alice' : 'bob'
    within(ends, 'BYE', 90)
    const [byeTo, byeBack] = upstream ? [bob, alice] : [alice, bob]
    const bye = await hear(upstream ? 'bob' : 'alice', byeTo)
    byeTo.send(reply(bye, 200))
    await hear(ends, byeBack)

    for (const status of [486, 302]) {
      begin('INVITE', `call-${status}`)
      const failing = await hear('bob', bob)
      bob.send(reply(failing, status, [`Contact: <sip:carol@10.3.3.3:99>`]))
      const failure = await hear('alice', alice)
      await hear('bob', bob)
      request(alice, 'ACK', `sip:bob@${address}:${PROXY_PORT}`, [])
      void failure
    }
    begin('OPTIONS', 'options')
    const options = await hear('bob', bob)
    bob.send(reply(options, 200, [contact]))
    await hear('alice', alice)
    begin('REGISTER', 'register')
    const register = await hear('bob', bob)
    bob.send(reply(register, 200, [contact]))
    await hear('alice', alice)
  } finally {
    alice.close()
    bob.close()
  }
  return heard
}

/** What is chance in a message becomes a star; the order of header lines and of parameters says nothing. */
export function neutral(heard: string, address: string): string {
  const [head = ''] = heard
    .replaceAll(address, '127.0.77.1')
    .replace(/z9hG4bK(?!our|sr-)[^;,>\s]*/g, 'z9hG4bK*')
    .replace(/(=z9hG4bK|=)sr-[^;,>?\s]*/g, '$1sr-*')
    .replace(/!!:\S+/g, '!!:*')
    .replace(/\b([ab]tpsh)-[0-9a-z-]*/g, '$1-*')
    .split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const told = lines
    .flatMap((line) => (/^(?:Via|Record-Route|Route):/i.test(line) ? split(line) : [line]))
    .filter((line) => !/^(?:Server|User-Agent|Max-Forwards):/i.test(line))
    .map((line) => (line.startsWith('Via:') ? sorted(line) : line))
  // Within one name the order counts.
  const byName = told.map((line, index) => ({ line, index, name: line.slice(0, line.indexOf(':')) }))
  byName.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.index - b.index))
  return [first, ...byName.map(({ line }) => line)].join('\n')
}

function split(line: string): string[] {
  const [, name, value = ''] = /^([^:]*):\s*(.*)$/.exec(line) ?? []
  return value.split(/,(?=\s*(?:<|SIP\/))/).map((each) => `${name}: ${each.trim()}`)
}

function sorted(via: string): string {
  const [place = '', ...parameters] = via.split(';')
  return [place, ...parameters.sort()].join(';')
}
