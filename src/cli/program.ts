// Owns the grammar of the command line (the only importer of commander): commands, options and their help.
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { SignalboxError } from '../errors.ts'
import type { CheckFlags } from './check.ts'
import type { CtlFlags } from './ctl.ts'
import {
  adminAddress,
  interfaces,
  limits,
  logLevel,
  ngAddress,
  parseDefines,
  repeated,
  type StandaloneRelayFlags,
  wholeNumber,
  workers,
} from './options.ts'
import type { RunFlags } from './run.ts'

/** What `run` of a built program gives: the exit status of the command that the arguments named. */
export interface CommandLine {
  run(args: readonly string[]): Promise<number>
}

/** Whether an error is commander's way of saying that it printed help, a version or a complaint. */
export function isUsageExit(error: unknown): { help: boolean } | undefined {
  return error instanceof CommanderError ? { help: error.exitCode === 0 } : undefined
}

/** Puts the commands together. Each command's code is loaded only when it is called. */
export function buildProgram(): CommandLine {
  let status = 0
  const command = new Command('signalbox')
    .description(
      'A scriptable session border controller: routes in TypeScript or in Kamailio’s language, on a native media relay.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('Run it with --help for what it takes.')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit status: 0 good (warnings included), 1 errors found, 2 wrong usage.

  signalbox check routes/o365.ts
  signalbox run routes/o365.ts --metrics 9090
  signalbox run kamailio.cfg -A WITH_TLS --interface=10.0.0.5`,
    )

  const does = (action: () => Promise<number>) => action().then((code) => void (status = code))

  const run = command
    .command('run <file>')
    .description('run a routing script, a .ts or a Kamailio .cfg')
    .option('-A, --define <name[=value]>', 'define a name for the preprocessor, as kamailio -A (repeatable)', repeated)
    .option(
      '-l, --listen <address>',
      "listen here in place of the file's listeners, as udp:10.0.0.5:5060 (repeatable)",
      repeated,
    )
    .option('--workers <n|auto>', 'worker processes; auto is one less than the processors', workers, 1)
    .option(
      '--limit <name=number>',
      "a key of config.limits in place of the file's, as queueMillis=0 (repeatable)",
      limits,
    )
  relayOptions(run, 'embedded relay: ')
  logOptions(run)
    .option('--control <path>', 'open a Unix socket here for `signalbox ctl`')
    .option(
      '--metrics <address>',
      'serve /metrics and /healthz at [ADDRESS:]PORT (loopback unless an address is given)',
      adminAddress,
    )
    .option(
      '--drain-seconds <n>',
      'how long calls under way are kept on SIGTERM',
      wholeNumber('--drain-seconds', 0, 86_400),
      0,
    )
    .addHelpText(
      'after',
      `
The relay in this program answers for every set that the file names, once it is started by one of its options or
by config.media of a .ts; otherwise the relays that the file names (rtpengine_sock) are used.

Signals: SIGTERM and SIGINT drain and end, a second one ends at once; SIGHUP reloads the file, as saving it does;
SIGUSR1 and SIGUSR2 do nothing.`,
    )
    .action((file: string, flags: RunFlags & { define?: string[] }) =>
      does(async () =>
        (await import('./run.ts')).runCommand(file, { ...flags, defines: parseDefines(flags.define ?? []) }),
      ),
    )

  command
    .command('check [files...]')
    .description('say what is wrong with routing scripts, without running them')
    .option('-A, --define <name[=value]>', 'define a name for the preprocessor (repeatable)', repeated)
    .addOption(
      new Option('--format <format>', 'how findings are printed').choices(['text', 'json', 'sarif']).default('text'),
    )
    .option('--json', 'the same as --format json')
    .option('--rule <name=severity>', 'set a rule to error, warning, note or off (repeatable)', repeated)
    .option('--rules', 'list the rules and how severe they are')
    .action(
      (files: string[], flags: CheckFlags & { define?: string[]; json?: boolean; rule?: string[]; rules?: boolean }) =>
        does(async () => {
          const { listRules, parseRules } = await import('./rules.ts')
          if (flags.rules) return listRules(flags.json ? 'json' : flags.format)
          if (files.length === 0) throw new SignalboxError('ERR_USAGE', 'check: name the files to check')
          return (await import('./check.ts')).checkCommand(files, {
            format: flags.json ? 'json' : flags.format,
            defines: parseDefines(flags.define ?? []),
            rules: parseRules(flags.rule ?? []),
          })
        }),
    )

  command
    .command('convert <file.cfg>')
    .description('write a routing script of Kamailio as TypeScript: the same service, route names and comments kept')
    .option('-A, --define <name[=value]>', 'define a name for the preprocessor (repeatable)', repeated)
    .option('-o, --output <file>', 'write there instead of to standard output')
    .action((file: string, flags: { define?: string[]; output?: string }) =>
      does(async () =>
        (await import('./convert.ts')).convertCommand(file, {
          ...(flags.output === undefined ? {} : { output: flags.output }),
          defines: parseDefines(flags.define ?? []),
        }),
      ),
    )

  command
    .command('docs [folder]')
    .description('write the manual of all functions, variables and parameters, as Markdown')
    .action((folder: string | undefined) =>
      does(async () => (await import('./docs.ts')).docsCommand(folder ?? 'build/docs')),
    )

  command
    .command('test [files...]')
    .description('run the unit tests of routes (*.test.ts, with signalbox/testkit)')
    .option('--watch', 'run again when a file changes')
    .option('-t, --test-name-pattern <pattern>', 'only tests whose name matches')
    .option('--json', 'print the result as JSON')
    .action((files: string[], flags: { watch?: boolean; testNamePattern?: string; json?: boolean }) =>
      does(async () => (await import('./test.ts')).testCommand(files, flags)),
    )

  const relay = command.command('relay').description("run the media relay alone, driven over rtpengine's NG protocol")
  relayOptions(relay, '')
  logOptions(relay)
    .option('-a, --final-timeout <seconds>', 'end any call after this long', wholeNumber('--final-timeout', 0, 604_800))
    .option('--offer-timeout <seconds>', 'end a call that nobody answers', wholeNumber('--offer-timeout', 0, 604_800))
    .option(
      '-d, --delete-delay <seconds>',
      'keep media for this long after a delete; default 30',
      wholeNumber('--delete-delay', 0, 86_400),
    )
    .option('--max-sessions <n>', 'refuse calls beyond so many', wholeNumber('--max-sessions', 1, 10_000_000))
    .option(
      '--num-threads <n>',
      'threads that move packets; default one a core, as they are needed',
      wholeNumber('--num-threads', 1, 64),
    )
    .option('--tos <n>', 'mark packets with this TOS byte', wholeNumber('--tos', 0, 255))
    .option('--endpoint-learning <how>', 'heuristic, immediate or off; delayed is done as heuristic')
    .option('--sip-source', 'take media from where the SIP message came from, unless flags trust the SDP')
    .option('--dtls-passive', 'prefer the passive role of DTLS')
    .option('--listen-tcp-ng <[address:]port>', 'take the NG protocol here over TCP', ngAddress)
    .option('--metrics <address>', 'serve /metrics and /healthz at [ADDRESS:]PORT', adminAddress)
    .action((flags: StandaloneRelayFlags) => does(async () => (await import('./relay.ts')).relayCommand(flags)))

  command
    .command('far-end <kind> [options...]')
    .description('play the far end of a trunk, with its rules: o365 or teams')
    .allowUnknownOption()
    .passThroughOptions()
    .action((kind: string, rest: string[]) => does(async () => (await import('./far-end.ts')).farEnd([kind, ...rest])))

  command
    .command('demo')
    .description('place a call through routes/o365.ts on this machine, and show what passed')
    .action(() => does(async () => (await import('./demo.ts')).demo()))

  const ctl = command.command('ctl').description('speak to a running signalbox over its control socket')
  for (const [name, description] of [
    ['status', 'what runs: program, workers, calls'],
    ['reload', 'read the routing script again'],
    ['stop', 'drain and end, as SIGTERM does'],
  ] as const) {
    ctl
      .command(name)
      .description(description)
      .addOption(
        new Option('--control <path>', 'the Unix socket that `run --control` opened')
          .env('SIGNALBOX_CONTROL')
          .makeOptionMandatory(),
      )
      .option('--json', 'print the answer as JSON')
      .action((flags: CtlFlags) => does(async () => (await import('./ctl.ts')).ctlCommand({ command: name }, flags)))
  }
  ctl
    .command('rpc <method> [params...]')
    .description('carry out a command of a Kamailio module, such as `htable.dump mytable` or `dispatcher.list`')
    .addOption(
      new Option('--control <path>', 'the Unix socket that `run --control` opened')
        .env('SIGNALBOX_CONTROL')
        .makeOptionMandatory(),
    )
    .option('--json', 'print the answer as JSON')
    .action((method: string, params: string[], flags: CtlFlags) =>
      does(async () => (await import('./ctl.ts')).ctlCommand({ command: 'rpc', method, params }, flags)),
    )

  for (const one of command.commands) inherit(one)
  return {
    async run(args) {
      if (args.length === 0) {
        command.outputHelp()
        return 2
      }
      await command.parseAsync([...args], { from: 'user' })
      return status
    },
  }
}

function inherit(command: Command): void {
  command.exitOverride().helpOption('-h, --help', 'show this help').showSuggestionAfterError()
  for (const inner of command.commands) inherit(inner)
}

function relayOptions(command: Command, prefix: string): Command {
  return command
    .option(
      '-i, --interface <[name/]address[!advertised]>',
      `${prefix}where media is received (repeatable; the first is the default)`,
      interfaces,
    )
    .option('-m, --port-min <n>', `${prefix}lowest port`, wholeNumber('--port-min', 1, 65_534))
    .option('-M, --port-max <n>', `${prefix}highest port`, wholeNumber('--port-max', 2, 65_535))
    .option('-o, --timeout <seconds>', `${prefix}end a call whose media stopped`, wholeNumber('--timeout', 1, 86_400))
    .option(
      '-s, --silent-timeout <seconds>',
      `${prefix}the same for a call on hold`,
      wholeNumber('--silent-timeout', 1, 604_800),
    )
    .option('-n, --listen-ng <[address:]port>', `${prefix}take the NG protocol here`, ngAddress)
    .option('--media-dir <folder>', `${prefix}play files from here and below (repeatable)`, repeated)
    .option('--recording-dir <folder>', `${prefix}record calls into this folder`)
    .option('--recording-method <list>', `${prefix}pcap, wav, wav-stereo, or several of them parted by commas`)
    .option('--recording-format <format>', `${prefix}of pcap: raw (IP packets) or eth (in frames)`)
    .option('--dtmf-log-dest <address:port>', `${prefix}tell of keys here, in JSON over UDP`)
}

function logOptions(command: Command): Command {
  return command
    .option('--log-level <level>', 'error, warn, info or debug', logLevel)
    .addOption(
      new Option('--log-format <format>', 'default: pretty on a terminal, else json').choices(['pretty', 'json']),
    )
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
