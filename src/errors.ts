// Owns the one error class of the project and the table of its codes.

/** Every code that an error of signalbox carries, and what it means. The README's table is kept equal by a test. */
export const ERROR_CODES = {
  ERR_CONFIG: 'A configuration value, option or file is wrong.',
  ERR_COMPILE: 'A routing script does not compile.',
  ERR_SCRIPT: 'A routing script threw while it ran.',
  ERR_SCRIPT_TIMEOUT: 'A run of a routing script took longer than its limit.',
  ERR_SCRIPT_MEMORY: 'A routing script used more memory than its limit.',
  ERR_LISTEN: 'A listening socket could not be opened.',
  ERR_TRANSPORT: 'A message could not be sent to its next hop.',
  ERR_RESOLVE: 'A name could not be resolved to a next hop.',
  ERR_TLS: 'A TLS profile, certificate or peer was refused.',
  ERR_LIMIT: 'A configured limit was reached.',
  ERR_PARSE: 'Bytes that should be SIP, SDP or NG are not.',
  ERR_MEDIA: 'The media relay refused an operation.',
  ERR_MEDIA_PORTS: 'The media relay has no free port.',
  ERR_MEDIA_UNREACHABLE: 'No media relay answered.',
  ERR_NATIVE: 'A native addon is missing or does not load.',
  ERR_STORE: 'The store refused an operation.',
  ERR_DATABASE: 'A database refused a statement or could not be reached.',
  ERR_USAGE: 'The command line is wrong.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** An error that names the thing, the place and the way out. A SIP outcome (486, CANCEL) is a value, never an error. */
export class SignalboxError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'SignalboxError'
    this.code = code
  }
}
