// Owns what a far end reads of an offer with SDES: where the media goes, and the key of the one suite that it speaks.

export interface SdesOffer {
  readonly address: string
  readonly port: number
  readonly tag: string
  /** Master key and salt, 30 bytes; empty where the suite is not offered. */
  readonly key: Buffer
}

/** The first audio stream of a session description. */
export function readSdesOffer(body: string): SdesOffer {
  const crypto = /a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+/]{40})/.exec(body)
  return {
    address: /c=IN IP[46] (\S+)/.exec(body)?.[1] ?? '',
    port: Number(/m=audio (\d+)/.exec(body)?.[1] ?? 0),
    tag: crypto?.[1] ?? '1',
    key: Buffer.from(crypto?.[2] ?? '', 'base64'),
  }
}
