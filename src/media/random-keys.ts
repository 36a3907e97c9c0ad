// Owns random bytes for keys: drawn from the system many at a time, given once, and then wiped from the store.
import { randomFillSync } from 'node:crypto'
import type { RandomKey } from './crypto-negotiation.ts'

const STORE = 4_096

export function randomKeys(): RandomKey {
  const store = new Uint8Array(STORE)
  let at = STORE
  return (bytes) => {
    if (bytes > STORE) return randomFillSync(new Uint8Array(bytes))
    if (bytes > STORE - at) {
      randomFillSync(store)
      at = 0
    }
    const key = store.slice(at, at + bytes)
    store.fill(0, at, at + bytes)
    at += bytes
    return key
  }
}
