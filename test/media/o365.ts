// Owns the session descriptions and flag strings of the Office 365 call, for the tests of this folder.

/** What the call manager offers. */
export const CALL_MANAGER_OFFER =
  'v=0\r\no=CiscoSystemsCCM-SIP 94213 1 IN IP4 10.0.2.52\r\ns=SIP Call\r\nc=IN IP4 10.0.0.6\r\nt=0 0\r\n' +
  'm=audio 24580 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n'

export const OFFICE_KEY = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'

/** What Office 365 answers. */
export const OFFICE_ANSWER =
  'v=0\r\no=- 85 0 IN IP4 207.46.198.124\r\ns=session\r\nc=IN IP4 207.46.198.124\r\nb=CT:10000000\r\nt=0 0\r\n' +
  'm=audio 54532 RTP/SAVP 0 101\r\nc=IN IP4 207.46.198.124\r\na=label:main-audio\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000\r\n' +
  'a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16,36\r\na=ptime:20\r\n' +
  `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${OFFICE_KEY}\r\n`

export const TO_OFFICE =
  'SRTP DTLS=off replace-session-connection ICE=remove SDES-only-AES_CM_128_HMAC_SHA1_80 direction=internal direction=external'
export const TO_MANAGER = 'RTP DTLS=off ICE=remove replace-session-connection direction=external direction=internal'
