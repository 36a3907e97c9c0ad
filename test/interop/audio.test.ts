// Owns the proof by ear: a phone that has only A-law and one that has only mu-law hear each other through the engine and
// its relay, the recording has both, and a clip is heard in place of the other side.
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startPhone } from './baresip.ts'
import { Namespace } from './namespace.ts'
import { describeWithPeers } from './peers.ts'

const root = new URL('../..', import.meta.url).pathname
const COMMAND = ['--no-node-snapshot', join(root, 'bin/signalbox.mjs')]

const ROUTE = `
listen=udp:127.0.0.1:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "rtpengine.so"
request_route {
  if (has_totag()) {
    loose_route();
    if (is_method("BYE")) rtpengine_delete();
    # Not with the 200: media would come before it.
    if (is_method("ACK") && $tU == "music") play_media("file=clip.wav repeat-times=100");
    t_relay();
    exit;
  }
  if (is_method("CANCEL")) { t_relay(); exit; }
  if (!is_method("INVITE")) { sl_send_reply("405", "No"); exit; }
  record_route();
  $du = "sip:127.0.0.3:5080";
  rtpengine_offer("codec-transcode-PCMU record-call=on replace-session-connection");
  t_on_reply("back");
  t_relay();
}
onreply_route[back] {
  if (has_body("application/sdp")) rtpengine_answer("replace-session-connection");
}
`

const account = (user: string, address: string, codec: string, more: string): string =>
  `<sip:${user}@${address};transport=udp>;regint=0;audio_codecs=${codec}/8000/1;ptime=20${more}`

/** The frequency of a part of a file, from and for so many seconds. */
function frequency(file: string, channel: number, from: number, length: number): number {
  const command = `sox ${file} -n remix ${channel} trim ${from} ${length} stat 2>&1`
  return Number(/Rough\s+frequency:\s+(\d+)/.exec(execFileSync('sh', ['-c', command], { encoding: 'utf8' }))?.[1])
}

function near(found: number, wanted: number): boolean {
  return Math.abs(found - wanted) < wanted * 0.06
}

/** Whether half a second of a channel has this tone: a phone on a busy machine leaves gaps. */
function sounds(file: string, channel: number, hertz: number): boolean {
  return [0.5, 1, 1.5, 2].some((start) => near(frequency(file, channel, start, 0.5), hertz))
}

describeWithPeers('audio between real phones', ['netns', 'baresip', 'sox'], () => {
  /** Alice calls; `look` sees what was heard and recorded. */
  async function call(callee: string, look: (space: Namespace, recorded: (phone: string) => string) => void) {
    const space = new Namespace([], {})
    try {
      const file = space.write('route.cfg', ROUTE)
      const clip = space.write('clips/clip.wav', '')
      execFileSync('sox', [
        '-n',
        '-r',
        '8000',
        '-c',
        '1',
        '-b',
        '16',
        clip,
        'synth',
        '0.5',
        'sine',
        '700',
        'gain',
        '-6',
      ])
      space.start('signalbox', process.execPath, [
        ...[...COMMAND, 'run', file, '--interface=127.0.0.1', '--port-min=30000', '--port-max=30100'],
        ...[`--media-dir=${space.path('clips')}`, `--recording-dir=${space.path('recordings')}`],
        '--recording-method=pcap,wav-stereo',
      ])
      await space.listening('udp', 5060)
      const bob = startPhone(space, {
        name: 'bob',
        address: '127.0.0.3',
        port: 5080,
        account: account(callee, '127.0.0.3:5080', 'PCMU', ';answermode=auto'),
        tone: 1000,
        mediaPort: 22_000,
        seconds: 45,
      })
      await space.listening('udp', 5080)
      const alice = startPhone(space, {
        name: 'alice',
        address: '127.0.0.2',
        port: 5070,
        account: account('alice', '127.0.0.2:5070', 'PCMA', ';outbound="sip:127.0.0.1:5060;lr"'),
        tone: 440,
        mediaPort: 21_000,
        command: `/dial sip:${callee}@127.0.0.1`,
        seconds: 45,
      })
      await space.shows(alice, /Call established/, 30_000)
      await delay(3_000)
      await Promise.all([space.stop(alice), space.stop(bob)])
      const recorded = (name: string): string => {
        // An answer that changes the stream begins a file anew: the longest is what was heard.
        const found = readdirSync(space.path(name))
          .filter((each) => each.endsWith('-dec.wav'))
          .map((each) => space.path(`${name}/${each}`))
          .sort((a, b) => statSync(b).size - statSync(a).size)[0]
        if (found === undefined) throw new Error(`${name} heard nothing: ${space.logs()}`)
        return found
      }
      look(space, recorded)
    } finally {
      await space.close()
    }
  }

  test.concurrent('A-law and mu-law hear each other, and the recording has both', { timeout: 60_000 }, () =>
    call('bob', (space, recorded) => {
      expect(sounds(recorded('alice'), 1, 1000), `bob is heard: ${space.logs()}`).toBe(true)
      expect(sounds(recorded('bob'), 1, 440), 'alice is heard').toBe(true)
      const [wav] = readdirSync(space.path('recordings/wavs'))
      const mixed = space.path(`recordings/wavs/${wav}`)
      expect(sounds(mixed, 1, 440), 'alice, recorded').toBe(true)
      expect(sounds(mixed, 2, 1000), 'bob, recorded').toBe(true)
      const [pcap] = readdirSync(space.path('recordings/pcaps'))
      // A second of both sides, and more.
      expect(statSync(space.path(`recordings/pcaps/${pcap}`)).size).toBeGreaterThan(25_000)
    }),
  )

  test.concurrent('a clip is heard in place of the other side', { timeout: 60_000 }, () =>
    call('music', (space, recorded) => {
      // baresip 1.0 measures the numbers of the clip's source by the source before (its issue 817): they follow on them.
      expect(space.logs()).not.toMatch(/dropping \d+ bytes.*Connection timed out/)
      expect(sounds(recorded('alice'), 1, 700), `the clip is heard: ${space.logs()}`).toBe(true)
      expect(sounds(recorded('bob'), 1, 440), 'alice is heard').toBe(true)
    }),
  )
})
