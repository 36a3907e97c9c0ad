// Owns the proof of our SRTP primitives against the vectors of RFC 3711, RFC 6188, RFC 7714 and RFC 2202.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Question } from './run-vectors.ts'
import { buildSanitized, runSanitized } from './sanitized-build.ts'

/** A question to the primitives, and what the RFC answers. */
interface Vector {
  source: string
  question: Question
  want: string
}

const derive = (source: string, key: string, salt: string, label: number, want: string): Vector => ({
  source: `${source} label ${label}`,
  question: { derive: { key, salt, label, bytes: want.length / 2 } },
  want,
})

const keystream = (source: string, key: string, counter: string, want: string): Vector => ({
  source: `${source} counter ${counter}`,
  question: { keystream: { key, counter, bytes: want.length / 2 } },
  want,
})

const B3_KEY = 'e1f97a0d3e018be0d64fa32c06de4139'
const B3_SALT = '0ec675ad498afeebb6960b3aabe6'

const vectors: Vector[] = [
  keystream(
    'RFC 3711 B.2',
    '2b7e151628aed2a6abf7158809cf4f3c',
    'f0f1f2f3f4f5f6f7f8f9fafbfcfd0000',
    'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
  ),
  keystream(
    'RFC 3711 B.2',
    '2b7e151628aed2a6abf7158809cf4f3c',
    'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
    'ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44',
  ),
  derive('RFC 3711 B.3', B3_KEY, B3_SALT, 0, 'c61e7a93744f39ee10734afe3ff7a087'),
  derive('RFC 3711 B.3', B3_KEY, B3_SALT, 2, '30cbbc08863d8c85d49db34a9ae1'),
  derive(
    'RFC 3711 B.3',
    B3_KEY,
    B3_SALT,
    1,
    'cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2',
  ),
  {
    source: 'RFC 2202 3 case 1',
    question: { hmac: { key: '0b'.repeat(20), data: Buffer.from('Hi There').toString('hex') } },
    want: 'b617318655057264e28bc0b6fb378c8ef146be00',
  },
  {
    source: 'RFC 2202 3 case 2',
    question: {
      hmac: {
        key: Buffer.from('Jefe').toString('hex'),
        data: Buffer.from('what do ya want for nothing?').toString('hex'),
      },
    },
    want: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
  },
  {
    source: 'RFC 2202 3 case 3',
    question: { hmac: { key: 'aa'.repeat(20), data: 'dd'.repeat(50) } },
    want: '125d7342b9ac11cd91a39af48aa17b4f63f175d3',
  },
]

const corpus = new URL('../../../shared/corpora/vectors/', import.meta.url)
const hasCorpus = existsSync(corpus)

interface KeystreamRow {
  source: string
  session_key: string
  keystream: { counter: string; block: string }[]
}

interface DerivationRow {
  source: string
  master_key: string
  master_salt: string
  cipher_key: string
  cipher_salt: string
  auth_key: string
}

function corpusVectors(): Vector[] {
  const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, corpus), 'utf8'))
  const streams = read('srtp-aes-cm-keystream.json') as KeystreamRow[]
  const derivations = read('srtp-kdf.json') as DerivationRow[]
  return [
    ...streams.flatMap((row) =>
      row.keystream.map((block) => keystream(row.source, row.session_key, block.counter, block.block)),
    ),
    ...derivations.flatMap((row) => [
      derive(row.source, row.master_key, row.master_salt, 0, row.cipher_key),
      derive(row.source, row.master_key, row.master_salt, 1, row.auth_key),
      derive(row.source, row.master_key, row.master_salt, 2, row.cipher_salt),
    ]),
  ]
}

interface GcmRow {
  source: string
  proto: 'SRTP' | 'SRTCP'
  key: string
  salt: string
  op: string
  srtcp_index?: number
  encrypted?: boolean
  plain_packet: string
  protected_packet: string
}

/** Each packet both ways: protected, and read again. */
function gcmVectors(): Vector[] {
  const rows = JSON.parse(readFileSync(new URL('srtp-gcm-rfc7714.json', corpus), 'utf8')) as GcmRow[]
  return rows.flatMap((row) => {
    // The E bit and the index, which come after the tag of SRTCP, are the caller's.
    const sealed = row.proto === 'SRTCP' ? row.protected_packet.slice(0, -8) : row.protected_packet
    const given = {
      key: row.key,
      salt: row.salt,
      index: row.srtcp_index ?? Number.parseInt(row.plain_packet.slice(4, 8), 16),
      encrypted: row.encrypted ?? row.op === 'Encryption',
    }
    return [
      {
        source: `${row.source} protect`,
        question: { gcm: { ...given, open: false, packet: row.plain_packet } },
        want: sealed,
      },
      {
        source: `${row.source} unprotect`,
        question: { gcm: { ...given, open: true, packet: sealed } },
        want: row.plain_packet,
      },
      {
        source: `${row.source} changed`,
        question: { gcm: { ...given, open: true, packet: `${sealed.slice(0, -2)}00` } },
        want: 'a wrong tag',
      },
    ]
  })
}

function answers(asked: Vector[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
  try {
    const file = join(folder, 'questions.json')
    writeFileSync(file, JSON.stringify(asked.map((vector) => vector.question)))
    return runSanitized('run-vectors.ts', [file]) as string[]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('SRTP primitives', () => {
  beforeAll(buildSanitized, 180_000)

  test('the vectors of RFC 3711 B.2 and B.3, and of RFC 2202', () => {
    const got = answers(vectors)
    expect(vectors.map((vector, i) => `${vector.source} ${got[i]}`)).toEqual(
      vectors.map((vector) => `${vector.source} ${vector.want}`),
    )
  })

  test.skipIf(!hasCorpus)('the corpus of vectors (RFC 3711, RFC 6188)', () => {
    const all = corpusVectors()
    const got = answers(all)
    expect(all.length).toBeGreaterThan(20)
    expect(all.map((vector, i) => `${vector.source} ${got[i]}`)).toEqual(
      all.map((vector) => `${vector.source} ${vector.want}`),
    )
  })

  test.skipIf(!hasCorpus)('RFC 7714 16 and 17: AES-GCM, encrypted and authenticated only, RTP and RTCP', () => {
    const all = gcmVectors()
    const got = answers(all)
    expect(all.length).toBe(24)
    expect(all.map((vector, i) => `${vector.source} ${got[i]}`)).toEqual(
      all.map((vector) => `${vector.source} ${vector.want}`),
    )
  })

  if (!hasCorpus) test.skip(`SKIPPED: no corpus of vectors at ${corpus.pathname}`, () => {})
})
