// Owns the XML of XML-RPC: calls read, answers and faults written.

export interface XmlCall {
  readonly method: string
  readonly parameters: readonly (string | number)[]
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

const decoded = (text: string) => text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name]!)
const encoded = (text: string) =>
  text.replace(/[<>&]/g, (char) => (char === '<' ? '&lt;' : char === '>' ? '&gt;' : '&amp;'))

/** The call in a document; undefined where there is none. Only texts and numbers are taken as parameters. */
export function readXmlCall(text: string): XmlCall | undefined {
  const method = /<methodName>\s*([\w.:-]+)\s*<\/methodName>/.exec(text)?.[1]
  if (method === undefined) return undefined
  const parameters: (string | number)[] = []
  for (const param of text.split('<param>').slice(1)) {
    const value = between(param, '<value>', '</value>')
    if (value === undefined) continue
    const number = /^\s*<(?:int|i4)>\s*(-?\d+)\s*<\/(?:int|i4)>\s*$/.exec(value)?.[1]
    if (number === undefined) parameters.push(decoded(between(value, '<string>', '</string>') ?? value))
    else parameters.push(Number(number))
  }
  return { method, parameters }
}

/** From the first beginning to the last end; undefined where they do not stand so. */
function between(text: string, begin: string, end: string): string | undefined {
  const [from, to] = [text.indexOf(begin), text.lastIndexOf(end)]
  return from < 0 || to < from ? undefined : text.slice(from + begin.length, to)
}

function written(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value)) return `<value><int>${value}</int></value>`
  if (typeof value === 'number') return `<value><double>${value}</double></value>`
  if (Array.isArray(value)) return `<value><array><data>${value.map(written).join('')}</data></array></value>`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, each]) => `<member><name>${encoded(name)}</name>${written(each)}</member>`,
    )
    return `<value><struct>${members.join('')}</struct></value>`
  }
  return `<value><string>${encoded(`${value ?? ''}`)}</string></value>`
}

const HEAD = '<?xml version="1.0"?>\n'

export function writeXmlAnswer(value: unknown): string {
  return `${HEAD}<methodResponse><params><param>${written(value)}</param></params></methodResponse>\n`
}

export function writeXmlFault(code: number, reason: string): string {
  return `${HEAD}<methodResponse><fault>${written({ faultCode: code, faultString: reason })}</fault></methodResponse>\n`
}
