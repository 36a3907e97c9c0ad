// Owns how one NG request is answered, whatever it came over: in the encoding that it had, what is wrong with a reason.
import { SignalboxError } from '../../errors.ts'
import { dictionary, type NgDictionary } from './bencode.ts'
import { decodeBody, encodeBody, encodingOf, type NgFrame } from './message.ts'

/** Answers one request; never throws. */
export interface NgService {
  perform(request: NgDictionary): NgDictionary
}

/** The reply, cookie and all. */
export function answerFrame(frame: NgFrame, service: NgService): string {
  return `${frame.cookie} ${encodeBody(performBody(frame.body, service), encodingOf(frame.body))}`
}

function performBody(body: string, service: NgService): NgDictionary {
  try {
    return service.perform(decodeBody(body))
  } catch (error) {
    const reason = error instanceof SignalboxError ? error.message : 'Internal error'
    return dictionary({ result: 'error', 'error-reason': reason })
  }
}
