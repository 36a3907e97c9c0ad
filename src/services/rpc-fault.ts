// Owns what an RPC command answers when it cannot do what is asked, and the reading of its parameters.

/** A fault with Kamailio's code and words. */
export class RpcFault extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'RpcFault'
    this.code = code
  }
}

/** The text at that place; a fault where it is missing. */
export function rpcText(parameters: readonly unknown[], index: number, what: string): string {
  const value = parameters[index]
  if (typeof value === 'string' || typeof value === 'number') return `${value}`
  throw new RpcFault(500, `Not enough parameters: ${what} is missing`)
}

export function rpcNumber(parameters: readonly unknown[], index: number, what: string): number {
  const number = Number(rpcText(parameters, index, what))
  if (!Number.isInteger(number)) throw new RpcFault(500, `${what} is no number`)
  return number
}
