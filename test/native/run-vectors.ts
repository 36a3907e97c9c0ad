// Owns the computation of key derivations and keystreams by our primitives: inputs in, outputs out, as JSON.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { CHECKS } from './sanitized-build.ts'

interface Primitives {
  deriveKey(masterKey: Uint8Array, masterSalt: Uint8Array, label: number, out: Uint8Array): void
  keystream(key: Uint8Array, counterBlock: Uint8Array, out: Uint8Array): void
  hmacSha1(key: Uint8Array, data: Uint8Array, out: Uint8Array): void
  gcm(key: Uint8Array, salt: Uint8Array, index: number, encrypted: boolean, open: boolean, packet: Uint8Array): boolean
}

export type Question =
  | { derive: { key: string; salt: string; label: number; bytes: number } }
  | { keystream: { key: string; counter: string; bytes: number } }
  | { hmac: { key: string; data: string } }
  /** A whole packet; `open`: with its tag at the end, whose place is made otherwise. */
  | { gcm: { key: string; salt: string; index: number; encrypted: boolean; open: boolean; packet: string } }

const primitives = createRequire(import.meta.url)(CHECKS) as Primitives
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

function answer(question: Question): string {
  if ('derive' in question) {
    const out = new Uint8Array(question.derive.bytes)
    primitives.deriveKey(hex(question.derive.key), hex(question.derive.salt), question.derive.label, out)
    return Buffer.from(out).toString('hex')
  }
  if ('keystream' in question) {
    const out = new Uint8Array(question.keystream.bytes)
    primitives.keystream(hex(question.keystream.key), hex(question.keystream.counter), out)
    return Buffer.from(out).toString('hex')
  }
  if ('gcm' in question) {
    const { key, salt, index, encrypted, open, packet } = question.gcm
    const bytes = hex(open ? packet : packet + '00'.repeat(16))
    if (!primitives.gcm(hex(key), hex(salt), index, encrypted, open, bytes)) return 'a wrong tag'
    return Buffer.from(open ? bytes.subarray(0, -16) : bytes).toString('hex')
  }
  const out = new Uint8Array(20)
  primitives.hmacSha1(hex(question.hmac.key), hex(question.hmac.data), out)
  return Buffer.from(out).toString('hex')
}

const questions = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Question[]
process.stdout.write(JSON.stringify(questions.map(answer)))
