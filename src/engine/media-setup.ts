// Owns the choice of media relay: the embedded one, remote ones, or none; and whether a script wants one at all.
import { SignalboxError } from '../errors.ts'
import {
  createEmbeddedRelay,
  createNgClient,
  createNgServer,
  type MediaRelay,
  type NgClientOptions,
} from '../media/index.ts'
import type { CompiledScript } from '../script/index.ts'
import type { EngineConfig } from './config.ts'
import type { EngineLog } from './logger.ts'
import { type ReadFile, readLatin1 } from './read-file.ts'

/**
 * The relay that the configuration asks for, undefined when it asks for none.
 * `listenNg` lets others drive the embedded one. Rejects with ERR_CONFIG, ERR_NATIVE or ERR_LISTEN.
 */
export async function createRelay(
  config: Pick<EngineConfig, 'media' | 'modules'>,
  listenNg: string | undefined,
  log: EngineLog,
): Promise<MediaRelay | undefined> {
  const { media } = config
  if (media.embedded) {
    const relay = createEmbeddedRelay({ ...media.embedded, log })
    if (listenNg === undefined) return relay
    const server = await createNgServer({ listen: listenNg, relay, log }).catch(async (error: unknown) => {
      await relay.close()
      throw error
    })
    const close = relay.close.bind(relay)
    return Object.assign(relay, {
      async close() {
        await server.close()
        await close()
      },
    })
  }
  if (listenNg !== undefined)
    throw new SignalboxError('ERR_CONFIG', '--listen-ng needs the embedded relay: give --interface=[NAME/]ADDRESS too')
  if (Object.keys(media.sets).length === 0) return undefined
  return createNgClient({ ...remoteRelays(config), log })
}

/** Remote relays as `media.sets` and the parameters of module rtpengine name them. */
export function remoteRelays({
  media,
  modules,
}: Pick<EngineConfig, 'media' | 'modules'>): Omit<NgClientOptions, 'log'> {
  const told = (name: string) => modules.findLast((each) => each.module === 'rtpengine' && each.name === name)?.value
  const number = (name: string): number | undefined =>
    told(name) === undefined ? undefined : Math.max(0, Number(told(name)))
  const [retryMillis, retries, disabled] = [
    number('rtpengine_tout_ms'),
    number('rtpengine_retr'),
    number('rtpengine_disable_tout'),
  ]
  const keys = told('dtmf_events_sock')
  return {
    sets: new Map(Object.entries(media.sets).map(([set, nodes]) => [Number(set), nodes])),
    ...(retryMillis === undefined ? {} : { retryMillis: Math.max(1, retryMillis) }),
    ...(retries === undefined ? {} : { retries }),
    ...(disabled === undefined ? {} : { disabledMillis: 1000 * disabled }),
    ...(keys === undefined ? {} : { dtmfEvents: String(keys) }),
  }
}

/** Whether calls leave a relay that died at once (`move_calls`), not with their next offer. */
export function movesCalls({ modules }: Pick<EngineConfig, 'modules'>): boolean {
  return modules.some(
    ({ module, name, value }) => module === 'rtpengine' && name === 'move_calls' && Number(value) !== 0,
  )
}

const MEDIA_FUNCTIONS = /\b(?:rtpengine_(?:manage|offer|answer|delete)|rtp(?:engine)?(?:Manage|Offer|Answer|Delete))\b/

/** Whether a script calls a media function anywhere in its files. */
export function usesMedia(script: Pick<CompiledScript, 'files'>, readFile: ReadFile = readLatin1): boolean {
  return script.files.some((file) => MEDIA_FUNCTIONS.test(withoutComments(readFile(file) ?? '')))
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*(?:\/\/|#(?!!)).*$/gm, '')
}
