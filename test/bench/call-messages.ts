// Owns the messages of the signalling benchmark's calls, as its callers and its answering side send them.

/** Port of whoever calls. */
export const CALLER = 5090
/** Port of whoever answers. */
export const CALLEE = 5080
const FROM = `"10048 - Armstrong, Clint" <sip:10048@127.0.0.1:${CALLER}>`

const OFFER = [
  'v=0\r\no=CiscoSystemsCCM-SIP 94213 1 IN IP4 10.0.2.52\r\ns=SIP Call\r\nc=IN IP4 127.0.0.1\r\nt=0 0',
  'm=audio 31182 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n',
].join('\r\n')
export const ANSWER = [
  'v=0\r\no=- 85 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nb=CT:10000000\r\nt=0 0',
  'm=audio 54532 RTP/AVP 0 101\r\nc=IN IP4 127.0.0.1\r\na=label:main-audio\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16,36\r\na=ptime:20\r\n',
].join('\r\n')

/** The INVITE of a call. */
export function invite(call: number): string {
  const head = [
    'INVITE sip:87000@127.0.0.1:5060 SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${CALLER};branch=z9hG4bK-${call}-1-0`,
    `From: ${FROM};tag=${process.pid}a${call}`,
    'To: <sip:87000@127.0.0.1:5060>',
    `Call-ID: ${call}-${process.pid}@127.0.0.1`,
    'CSeq: 101 INVITE',
    'Date: Mon, 24 Aug 2015 12:22:29 GMT',
    'Supported: timer,resource-priority,replaces',
    'Min-SE: 1800',
    'User-Agent: Cisco-CUCM9.1',
    'Allow: INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY',
    'Expires: 180',
    'Allow-Events: presence, kpml',
    'Supported: X-cisco-srtp-fallback,X-cisco-original-called',
    'Cisco-Guid: 3357373952-0000065536-0000032693-0872546314',
    'Session-Expires: 1800',
    'P-Asserted-Identity: "10048 - Armstrong, Clint" <sip:10048@10.0.2.52>',
    'Remote-Party-ID: "10048 - Armstrong, Clint" <sip:10048@10.0.2.52>;party=calling;screen=yes;privacy=off',
    `Contact: <sip:10048@127.0.0.1:${CALLER}>`,
    'Max-Forwards: 70',
    'Content-Type: application/sdp',
    `Content-Length: ${OFFER.length}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${OFFER}`
}

/** Lines of these names, as they stand. */
function lines(wire: string, ...names: string[]): string[] {
  const head = wire.slice(0, wire.indexOf('\r\n\r\n')).split('\r\n')
  return names.flatMap((name) => head.filter((line) => line.startsWith(`${name}:`)))
}

/** A reply to a request that went through the proxy. */
export function answer(request: string, status: string, more: string[], body: string): string {
  const copied = lines(request, 'Via', 'Record-Route', 'From', 'To', 'Call-ID', 'CSeq').map((line) =>
    line.startsWith('To:') && !line.includes('tag=') ? `${line};tag=b${request.length}` : line,
  )
  return `${[`SIP/2.0 ${status}`, ...copied, ...more, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`
}

/** What follows the 200. */
export function inDialog(ok: string, call: number, method: 'ACK' | 'BYE'): string {
  const routes = lines(ok, 'Record-Route').map((line) => line.replace('Record-Route', 'Route'))
  const head = [
    `${method} sip:127.0.0.1:${CALLEE};transport=UDP SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${CALLER};branch=z9hG4bK-${call}-1-${method}`,
    ...routes.reverse(),
    ...lines(ok, 'From', 'To', 'Call-ID'),
    `CSeq: ${method === 'ACK' ? 101 : 102} ${method}`,
    `Contact: <sip:10048@127.0.0.1:${CALLER}>`,
    'Max-Forwards: 70',
    'Content-Length: 0',
  ]
  return `${head.join('\r\n')}\r\n\r\n`
}

export const CONTACT = `Contact: <sip:127.0.0.1:${CALLEE};transport=UDP>`
/** Header lines of the 200 to an INVITE. */
export const OK_LINES = [
  CONTACT,
  'Server: RTCC/5.0.0.0 MSExchangeUM/15.01.0231.021',
  'Supported: Replaces',
  'Supported: timer',
  'Session-Expires: 1800;refresher=uac',
  'Content-Type: application/sdp',
]

/** Gives the proxy a message; what it sent to that port in return, which has to start so. */
export type Pass = (wire: string, from: number, to: number, start: string) => string

/** Passes the six messages of a call that the far ends send, one after the other. */
export function passCall(call: number, pass: Pass): void {
  const arrived = pass(invite(call), CALLER, CALLEE, 'INVITE')
  pass(answer(arrived, '180 Ringing', [CONTACT], ''), CALLEE, CALLER, 'SIP/2.0 180')
  const ok = pass(answer(arrived, '200 OK', OK_LINES, ANSWER), CALLEE, CALLER, 'SIP/2.0 200')
  pass(inDialog(ok, call, 'ACK'), CALLER, CALLEE, 'ACK')
  const bye = pass(inDialog(ok, call, 'BYE'), CALLER, CALLEE, 'BYE')
  pass(answer(bye, '200 OK', [], ''), CALLEE, CALLER, 'SIP/2.0 200')
}
