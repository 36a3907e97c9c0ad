// Owns module rtpengine's events: what a key was, for event_route[rtpengine:dtmf-event].
import type { Service } from './service.ts'

export function createRtpengine(): Service {
  return { module: 'rtpengine', operations: { event: (run) => run.event ?? null } }
}
