// Owns what the NG fuzzer does with each input: a datagram is taken apart, read, carried out and answered.
import { createFakeNative } from '../../../src/media/fake-native.ts'
import { createEmbeddedRelay } from '../../../src/media/index.ts'
import { decodeBody, encodeBody, splitFrame } from '../../../src/media/ng/message.ts'
import { readSessionOptions } from '../../../src/media/session-options.ts'

const RESULTS = ['ok', 'pong', 'error', 'load limit']
/** A relay forgets what it was told after so many requests, so that a finding can be had again. */
const REQUESTS = 2_000

const open = () => createEmbeddedRelay({ interfaces: ['10.0.0.5', '::1'], offerTimeout: 0, native: createFakeNative })
let relay = open()
let asked = 0

/** @throws whatever no datagram may bring about */
export function take(datagram: Buffer): void {
  const text = datagram.toString('latin1')
  const body = splitFrame(text)?.body ?? text
  let request: ReturnType<typeof decodeBody>
  try {
    request = decodeBody(body)
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_PARSE') return
    throw error
  }
  encodeBody(request, 'bencode')
  readSessionOptions(request)
  const reply = relay.perform(request)
  encodeBody(reply, body.startsWith('{') ? 'json' : 'bencode')
  if (!RESULTS.includes(String(reply.result))) throw new Error(`the result is ${String(reply.result)}`)
  const reason = String(reply['error-reason'] ?? '')
  if (/undefined|is not a function|Cannot read|is not iterable|Maximum call stack/.test(reason)) throw new Error(reason)
  if (Object.hasOwn(Object.prototype, 'command')) throw new Error('the prototype of all objects was changed')
  if (++asked % REQUESTS === 0) {
    void relay.close()
    relay = open()
  }
}
