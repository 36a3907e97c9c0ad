// Owns the m-lines that one side of a call is not shown: NG's `sdp-media-remove`. Within the relay both sides have all m-lines, in one order.
import type { SdpDocument } from '../sdp/index.ts'
import type { HiddenMedia, Party } from './call.ts'
import type { SessionOptions } from './session-options.ts'

/**
 * What an offer hides from its receiver: media of the kinds named that it has not been offered before. An m-line that it
 * knows can only be refused, not taken away (RFC 3264 8).
 */
export function mediaToHide(document: SdpDocument, listener: Party, { mediaRemove }: SessionOptions): HiddenMedia {
  const hidden: HiddenMedia = new Map(listener.hidden)
  for (const [index, media] of document.media.entries()) {
    const known = listener.media[index]
    const isNew = !known || (known.protocol === '' && !known.stated && !known.pending)
    if (isNew && mediaRemove.has(media.kind.toLowerCase()))
      hidden.set(index, `m=${media.kind} 0 ${media.protocol}${media.formatText}\r\nc=IN IP4 0.0.0.0\r\n`)
  }
  // A description without media says nothing.
  return document.media.some((_, index) => !hidden.has(index)) ? hidden : new Map(listener.hidden)
}

/** A description of a party with the m-lines that it was not shown, refused, in their places. */
export function withHidden(sdp: string, hidden: HiddenMedia): string {
  if (hidden.size === 0) return sdp
  const [session = '', ...own] = sections(sdp)
  const all: string[] = []
  while (own.length > 0 || hidden.has(all.length)) all.push(hidden.get(all.length) ?? ended(own.shift()!))
  return ended(session) + all.join('')
}

/** A description for a party, without what it is not shown. */
export function withoutHidden(sdp: string, hidden: HiddenMedia): string {
  if (hidden.size === 0) return sdp
  const [session = '', ...media] = sections(sdp)
  return session + media.filter((_, index) => !hidden.has(index)).join('')
}

function sections(sdp: string): string[] {
  return sdp.split(/^(?=m=)/m)
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\r\n`
}
