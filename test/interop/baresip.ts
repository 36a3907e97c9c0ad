// Owns a baresip phone for tests: headless, a tone for a voice, what it hears in a file.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import type { Namespace, Started } from './namespace.ts'

export interface PhoneOptions {
  /** Of the phone's folder and log. */
  readonly name: string
  readonly address: string
  readonly port: number
  /** The line of its `accounts` file. */
  readonly account: string
  /** The tone that it sends, in Hz. */
  readonly tone: number
  /** First of a hundred ports for media. */
  readonly mediaPort: number
  /** Typed when it is up, such as `/dial sip:bob@example.com`. */
  readonly command?: string
  /** Seconds until it ends by itself. */
  readonly seconds: number
}

/** Starts it. */
export function startPhone(space: Namespace, options: PhoneOptions): Started {
  const { name, address, port, tone, mediaPort } = options
  const wav = space.path(`tone${tone}.wav`)
  if (!existsSync(wav))
    execFileSync('sox', [
      '-n',
      '-r',
      '8000',
      '-c',
      '1',
      '-b',
      '16',
      wav,
      'synth',
      '30',
      'sine',
      `${tone}`,
      'gain',
      '-6',
    ])
  space.write(
    `${name}/config`,
    [
      'poll_method epoll',
      `sip_listen ${address}:${port}`,
      `net_interface ${address}`,
      'audio_player aufile',
      `audio_source aufile,${wav}`,
      'audio_alert aufile,/dev/null',
      'ausrc_srate 8000',
      'auplay_srate 8000',
      'ausrc_channels 1',
      'auplay_channels 1',
      `rtp_ports ${mediaPort}-${mediaPort + 98}`,
      'rtp_stats yes',
      'module_path /usr/lib/baresip/modules',
      'module g711.so',
      'module aufile.so',
      'module sndfile.so',
      'module srtp.so',
      'module_app menu.so',
      'module_tmp account.so',
      `snd_path ${space.path(name)}`,
      '',
    ].join('\n'),
  )
  space.write(`${name}/accounts`, `${options.account}\n`)
  const command = options.command ? ['-e', options.command] : []
  return space.start(name, 'baresip', ['-f', space.path(name), '-t', `${options.seconds}`, ...command])
}

/** The frequency, in Hz, of what a phone heard; undefined where it recorded nothing. */
export function heard(space: Namespace, name: string): number | undefined {
  // An answer that changes the stream begins a file anew: the longest is what was heard.
  const [recording] = readdirSync(space.path(name))
    .filter((file) => file.endsWith('-dec.wav'))
    .map((file) => space.path(`${name}/${file}`))
    .sort((a, b) => statSync(b).size - statSync(a).size)
  if (recording === undefined) return undefined
  const stat = execFileSync('sh', ['-c', `sox ${recording} -n stat 2>&1`], { encoding: 'utf8' })
  return Number(/Rough\s+frequency:\s+(\d+)/.exec(stat)?.[1])
}
