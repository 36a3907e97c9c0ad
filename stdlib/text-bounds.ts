// Owns the bound on texts that a run makes: how long one may be, and how much of them one entry may make.

/** Characters of one text. */
export const LONGEST_TEXT = 1_000_000

/** Characters of all texts that one entry makes. */
const MOST_TEXT = 32_000_000

/** After so many characters, made by runs or come with messages, variables of the process are weighed. */
const WEIGH_AFTER = 8_000_000

let left = MOST_TEXT
let sinceWeighed = 0
let weigh: () => void = () => {}

/** A run that wanted more text than it may have: it ends with this error. */
export class TextBoundError extends Error {
  override name = 'TextBoundError'
}

/** Each text that a run makes of others goes through here. Throws {@link TextBoundError}. */
export function made(text: string): string {
  const { length } = text
  if (length > LONGEST_TEXT || (left -= length) < 0) refuse(length)
  return text
}

/** Before a text is made whose length is known, or while it grows: nothing is spent yet. */
export function checkLength(length: number): void {
  if (length > LONGEST_TEXT) refuse(length)
}

/** A text that the host has given counts as one that was made. */
export function received(text: string): void {
  left -= text.length
}

function refuse(length: number): never {
  throw new TextBoundError(
    length > LONGEST_TEXT
      ? `a text of ${length} characters is longer than ${LONGEST_TEXT}, which no text of a run may be`
      : `the run has made texts of more than ${MOST_TEXT} characters in all`,
  )
}

/** The texts as one, with the separator between them. */
export function joinedTexts(texts: readonly (string | number)[], separator: string): string {
  let whole = ''
  for (const [i, text] of texts.entries()) {
    whole += i === 0 ? text : `${separator}${text}`
    checkLength(whole.length)
  }
  return made(whole)
}

/** A text of its own, for what outlives the run: a part of a message would keep all of that message. */
export function copied(text: string): string {
  return ` ${text}`.slice(1)
}

/** What weighs the variables of the process. */
export function setWeighing(weighing: () => void): void {
  weigh = weighing
}

/** An entry begins, with a message of so many characters. */
export function startTexts(message: number): void {
  sinceWeighed += MOST_TEXT - left + message
  left = MOST_TEXT
  if (sinceWeighed < WEIGH_AFTER) return
  sinceWeighed = 0
  weigh()
}
