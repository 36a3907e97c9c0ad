// Owns sipp's scenarios of the stock configuration: a registration and a call with digest, and the one who answers.

const HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n'

const headers = (method: string, to: string, contact = '') => `
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:[service]@127.0.0.1>;tag=[pid]x[call_number]
      To: <${to}>
      Call-ID: [call_id]
      CSeq: [cseq] ${method}
      Max-Forwards: 70${contact}`
const CONTACT = '\n      Contact: <sip:[service]@[local_ip]:[local_port]>'

const send = (text: string, retransmissions = ' retrans="500"') => `  <send${retransmissions}><![CDATA[${text}
      ]]></send>\n`
const EMPTY = '\n      Content-Length: 0\n'
const SDP = `
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=u 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[local_ip_type] [local_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000
`

/** REGISTER; `challenged`: it has to be answered 401 first. */
export function registerScenario(challenged: 'challenged' | 'open'): string {
  const request = (auth: string) =>
    send(`
      REGISTER sip:127.0.0.1 SIP/2.0${headers('REGISTER', 'sip:[service]@127.0.0.1', CONTACT)}
      Expires: 300${auth}${EMPTY}`)
  const first = challenged === 'open' ? '' : `${request('')}  <recv response="401" auth="true"/>\n`
  const auth = challenged === 'open' ? '' : '\n      [authentication]'
  return `${HEAD}<scenario name="register">\n${first}${request(auth)}  <recv response="200"/>\n</scenario>\n`
}

/** A call to `callee`, ended by the caller. */
export function callerScenario(callee: string, challenged: 'challenged' | 'open'): string {
  const to = `sip:${callee}@127.0.0.1`
  const invite = (auth: string) =>
    send(`
      INVITE ${to} SIP/2.0${headers('INVITE', to, CONTACT)}${auth}${SDP}`)
  const ack = send(
    `
      ACK ${to} SIP/2.0${headers('ACK', to).replace('branch=[branch]', 'branch=[branch-3]').replace(`<${to}>\n`, `<${to}>[peer_tag_param]\n`)}${EMPTY}`,
    '',
  )
  const first =
    challenged === 'open'
      ? ''
      : `${invite('')}  <recv response="100" optional="true"/>\n  <recv response="407" auth="true"/>\n${ack}`
  const auth = challenged === 'open' ? '' : '\n      [authentication]'
  const within = (method: string, cseq: string) => `
      ${method} [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      [routes]
      From: <sip:[service]@127.0.0.1>;tag=[pid]x[call_number]
      To: <${to}>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: ${cseq} ${method}
      Max-Forwards: 70${EMPTY}`
  return `${HEAD}<scenario name="caller">
${first}${invite(auth)}  <recv response="100" optional="true"/>
  <recv response="180" optional="true" rrs="true"/>
  <recv response="200" rrs="true"/>
${send(within('ACK', '[cseq]'), '')}  <pause milliseconds="200"/>
${send(within('BYE', '[cseq]'))}  <recv response="200"/>
</scenario>
`
}

/** Rings, answers, and waits for the BYE. */
export const CALLEE = `${HEAD}<scenario name="callee">
  <recv request="INVITE" crlf="true" rrs="true"/>
${reply('180 Ringing', EMPTY)}${reply('200 OK', SDP)}  <recv request="ACK"/>
  <recv request="BYE"/>
${reply('200 OK', EMPTY)}</scenario>
`

function reply(status: string, rest: string): string {
  return send(
    `
      SIP/2.0 ${status}
      [last_Via:]
      [last_Record-Route:]
      [last_From:]
      [last_To:];tag=[pid]c[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:callee@[local_ip]:[local_port]>${rest}`,
    '',
  )
}
