// Owns the messages that several groups of cases send.
import { HERE, SENDER_PORT, type Sent } from '../case.ts'

export const SDP = `v=0\r
o=alice 2890844526 2890844526 IN IP4 10.0.0.1\r
s=call\r
c=IN IP4 10.0.0.1\r
t=0 0\r
m=audio 49170 RTP/AVP 0 8 97 101\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:97 iLBC/8000\r
a=fmtp:97 mode=20\r
a=rtpmap:101 telephone-event/8000\r
a=sendrecv\r
m=video 51372 RTP/SAVP 31 32\r
c=IN IP4 10.0.0.2\r
a=rtpmap:31 H261/90000\r
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r
`

/** A request with something in every place that a variable reads. */
export const RICH: Sent = {
  uri: `sip:alice@${HERE}:49510;foo=bar;transport=udp;x=1?h=v`,
  lines: {
    Via: `Via: SIP/2.0/UDP 10.1.2.3:5060;branch=z9hG4bKourrich;rport;i=7\r\nVia: SIP/2.0/TCP 10.1.2.4;branch=z9hG4bKourolder;received=1.2.3.4`,
    To: 'To: Bob <sip:bob@example.org:5070;tp=1>',
    Contact: `Contact: <sip:alice@${HERE}:${SENDER_PORT};ob>;expires=77;q=0.5`,
  },
  headers: [
    'X-Old: old',
    'X-Multi: one',
    'X-Multi: two',
    'X-Multi: three',
    'X-NA: "Na Me" <sip:u@h.example:5070;p=1>;tag=zz;q=0.5',
    'X-P: a=1;b=2;c',
    'X-Long:  spaced \t text  ',
    'X-Csv: a,b,,"q,r",d',
    'X-Empty:',
    'User-Agent: probe/1 (test)',
    'Expires: 3600',
    'P-Asserted-Identity: "PAI" <sip:pai@pai.example>, <tel:+123>',
    'P-Preferred-Identity: <sip:ppi@ppi.example>',
    'Remote-Party-ID: "RPID" <sip:rpid@rpid.example>;party=calling;screen=yes;privacy=full',
    'Diversion: "Div" <sip:div@div.example>;reason=unconditional;privacy=off;counter=2',
    'Refer-To: <sip:refer@refer.example>',
    'Subject: a subject',
    'Proxy-Authorization: Digest username="joe@au.example", realm="re.alm", nonce="n0nce", uri="sip:u.uri", response="0123", algorithm=MD5',
  ],
}
