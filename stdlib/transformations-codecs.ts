// Owns the {s.*} transformations that encode, decode and hash.
import { coreHash } from './core-hash.ts'
import { sha384, sha512 } from './digests.ts'
import { base64Decode, base64Encode, hexDecode, hexEncode, md5, sha256, unpadded } from './string-codecs.ts'
import { base58Decode, base58Encode, sevenBitPack, sevenBitUnpack } from './string-packing.ts'
import { checkLength } from './text-bounds.ts'
import { defineTransformation } from './transformations.ts'

function codec(name: string, doc: string, run: (value: string) => string | number | undefined): void {
  defineTransformation({ name: `s.${name}`, parameters: [], doc }, run)
}

codec('md5', 'MD5 as hexadecimal.', md5)
codec('sha256', 'SHA-256 as hexadecimal.', sha256)
codec('sha384', 'SHA-384 as hexadecimal.', sha384)
codec('sha512', 'SHA-512 as hexadecimal.', sha512)
codec('encode.hexa', 'Hexadecimal.', hexEncode)
codec('decode.hexa', 'The bytes that the hexadecimal text stands for.', hexDecode)
codec('encode.base64', 'Base64.', base64Encode)
codec('decode.base64', 'The bytes that the base64 text stands for.', base64Decode)
codec('encode.base64t', 'Base64 without padding.', (value) => unpadded(base64Encode(value)))
codec('decode.base64t', 'encode.base64t undone.', base64Decode)
codec('encode.base64url', 'Base64 for URLs (RFC 4648 5).', (value) => forUrl(base64Encode(value)))
codec('decode.base64url', 'encode.base64url undone.', (value) => base64Decode(fromUrl(value)))
codec('encode.base64urlt', 'Base64 for URLs, without padding.', (value) => unpadded(forUrl(base64Encode(value))))
codec('decode.base64urlt', 'encode.base64urlt undone.', (value) => base64Decode(fromUrl(value)))
codec('encode.base58', 'Base58.', base58Encode)
codec('decode.base58', 'The bytes that the base58 text stands for.', base58Decode)
codec('encode.7bit', 'Packed as GSM 7-bit characters, hexadecimal (3GPP TS 23.038).', (value) =>
  hexEncode(sevenBitPack(value)).toUpperCase(),
)
codec('decode.7bit', 'encode.7bit undone.', (value) => {
  const packed = hexDecode(value)
  return packed === undefined ? undefined : sevenBitUnpack(packed)
})

const forUrl = (text: string) => text.replace(/\+/g, '-').replace(/\//g, '_')
const fromUrl = (text: string) => text.replace(/-/g, '+').replace(/_/g, '/')

defineTransformation(
  {
    name: 's.corehash',
    parameters: [{ name: 'size', kind: 'int', optional: true }],
    doc: 'A number that is the same for the same text, below size where it is given.',
  },
  (value, args) => {
    const hash = coreHash(value)
    const size = Number(args[0]?.() ?? 0)
    return `${size > 0 ? hash % size : hash}`
  },
)

/** The text in lines of so many bytes, each after the first with the filling before it. */
function lines(name: string, doc: string, filling: string): void {
  defineTransformation(
    {
      name: `s.${name}`,
      parameters: [
        { name: 'width', kind: 'int' },
        { name: 'indent', kind: 'int' },
      ],
      doc,
    },
    (value, args) => {
      const width = Number(args[0]!())
      const indent = Number(args[1]!())
      if (!(width > 0 && indent >= 0 && indent <= 256)) return undefined
      checkLength(value.length + Math.ceil(value.length / width) * (indent + 2))
      const parts: string[] = []
      for (let at = 0; at < value.length; at += width) parts.push(value.slice(at, at + width))
      return parts.join(`\r\n${filling.repeat(indent)}`)
    },
  )
}
lines('fmtlines', 'In lines of so many bytes, each further one indented by so many spaces.', ' ')
lines('fmtlinet', 'In lines of so many bytes, each further one indented by so many tabs.', '\t')
